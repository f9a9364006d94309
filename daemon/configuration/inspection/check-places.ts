import { join } from 'node:path';
import { refuseOthers } from '../../../core/system/private-folder.ts';
import { codeOf } from '../../../core/system-error.ts';
import { isFailure, withHint } from '../../../core/failure.ts';
import type { OptionKey } from '../options.ts';
import type { CheckContext } from './context.ts';
import { appendingProblem, folderProblem } from './folders.ts';

/** Whether directories and files that unpackd writes can be written, as far as that can be told without writing. */
export async function checkPlaces({ configuration, findings, placeOf }: CheckContext): Promise<void> {
  const { backend, root, state, temporaryDirectory, notificationFile } = configuration;
  const folders: readonly (readonly [key: OptionKey, folder: string, own?: string])[] = [
    ...(backend === 'directory' ? [['root', root, '.unpackd-'] as const] : []),
    ['state', state],
    // by default the same directory, of which nothing need be said twice
    ...(temporaryDirectory === state ? [] : ([['temporary-dir', temporaryDirectory, 'spool']] as const)),
  ];
  for (const [key, folder, own = ''] of folders) {
    const risk = exchangeProblem(join(folder, own));
    if (risk !== undefined) findings.error(`${placeOf(key)}: ${risk}`);
    const problem = await folderProblem(folder);
    if (problem === undefined) continue;
    findings.error(`${placeOf(key)}: ${problem}; make it so that this user may write it, or name another`);
  }
  if (notificationFile === undefined) return;
  const problem = await appendingProblem(notificationFile);
  if (problem === undefined) return;
  findings.error(
    `${placeOf('notification-file')}: ${problem}; name a file in a directory that exists and may be written`,
  );
}

/** What lets others exchange what unpackd has in `path`; `undefined` for nothing. */
function exchangeProblem(path: string): string | undefined {
  try {
    refuseOthers(path, 'state-unusable');
    return undefined;
  } catch (error) {
    if (isFailure(error)) return withHint(error);
    if (codeOf(error) === undefined) throw error;
    return undefined; // Nobody gets there, which is another problem.
  }
}
