import { codeOf, isDiskFull } from './system-error.ts';
import { Failure, isFailure } from './failure.ts';
import { quoted } from './text.ts';

/**
 * What `work` on the file or folder `path` comes to.
 *
 * @throws Failure `state-unusable`, `disk-full` where the system refuses it
 */
export async function orUnusable<Value>(path: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const code = isFailure(error) ? undefined : codeOf(error);
    if (code === undefined) throw error;
    if (isDiskFull(error)) {
      throw new Failure('disk-full', `no space is left for ${quoted(path)}`, {
        hint: 'free space in the state directory',
        cause: error,
      });
    }
    throw new Failure('state-unusable', `${quoted(path)} cannot be used (${code})`, {
      hint: 'let the user of unpackd own the state directory, or choose another',
      cause: error,
    });
  }
}
