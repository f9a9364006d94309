import type { Context } from '../output/context.ts';
import { State } from './state.ts';

/**
 * Calls `work` with the state of the configured directory, also beside a running daemon.
 *
 * @throws Failure `state-unusable`, `disk-full`
 */
export async function withState<T>(context: Context, work: (state: State) => Promise<T>): Promise<T> {
  const warn = (message: string): void => context.observe({ type: 'warning', message });
  return await whileOpen(await State.open(context.configuration.state, { warn }), work);
}

/**
 * The same for what only looks: nothing is made or changed, and where there is no database nothing is known.
 *
 * @throws Failure `state-unusable`
 */
export async function withReadState<T>(
  { configuration }: Pick<Context, 'configuration'>,
  work: (state: State) => Promise<T>,
): Promise<T> {
  return await whileOpen(await State.read(configuration.state), work);
}

async function whileOpen<T>(state: State, work: (state: State) => Promise<T>): Promise<T> {
  try {
    return await work(state);
  } finally {
    await state.close();
  }
}
