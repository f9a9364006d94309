import type { OptionKey } from '../options.ts';
import type { CheckContext } from './context.ts';
import { appendingProblem, folderProblem } from './folders.ts';

/** Whether directories and files that unpackd writes can be written, as far as that can be told without writing. */
export async function checkPlaces({ configuration, findings, placeOf }: CheckContext): Promise<void> {
  const { backend, root, state, temporaryDirectory, notificationFile } = configuration;
  const folders: readonly (readonly [key: OptionKey, folder: string])[] = [
    ...(backend === 'directory' ? ([['root', root]] as const) : []),
    ['state', state],
    // by default the same directory, of which nothing need be said twice
    ...(temporaryDirectory === state ? [] : ([['temporary-dir', temporaryDirectory]] as const)),
  ];
  for (const [key, folder] of folders) {
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
