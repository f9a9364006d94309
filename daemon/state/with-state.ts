import type { Context } from '../command.ts';
import { State } from './state.ts';

/**
 * Calls `work` with the state of the configured directory, also beside a running daemon.
 *
 * @throws Failure `state-unusable`, `disk-full`
 */
export async function withState<T>(context: Context, work: (state: State) => Promise<T>): Promise<T> {
  const warn = (message: string): void => context.observe({ type: 'warning', message });
  const state = await State.open(context.configuration.state, { warn });
  try {
    return await work(state);
  } finally {
    await state.close();
  }
}
