import type { Context } from '../output/context.ts';
import type { State } from './state.ts';
import { databasePath } from './state-files.ts';

// Loaded lazily: most commands do without the native module sqlite3.

/** Opens the state of `directory`, or makes it. @throws Failure `state-unusable`, `disk-full` */
export async function openState(directory: string, warn: (message: string) => void): Promise<State> {
  const { openSqliteState } = await import('./sqlite/sqlite-state.ts');
  return await openSqliteState(databasePath(directory), { warn });
}

/**
 * Calls `work` with the state of the configured directory, also beside a running daemon.
 *
 * @throws Failure `state-unusable`, `disk-full`
 */
export async function withState<T>(context: Context, work: (state: State) => Promise<T>): Promise<T> {
  const warn = (message: string): void => context.observe({ type: 'warning', message });
  return await whileOpen(await openState(context.configuration.state, warn), work);
}

/**
 * The same for commands that only look: nothing is made or changed, and if there is no state nothing is known.
 *
 * @throws Failure `state-unusable`
 */
export async function withReadState<T>(
  { configuration }: Pick<Context, 'configuration'>,
  work: (state: State) => Promise<T>,
): Promise<T> {
  const { readSqliteState } = await import('./sqlite/sqlite-state.ts');
  return await whileOpen(await readSqliteState(databasePath(configuration.state)), work);
}

async function whileOpen<T>(state: State, work: (state: State) => Promise<T>): Promise<T> {
  try {
    return await work(state);
  } finally {
    await state.close();
  }
}
