import { stat } from 'node:fs/promises';
import { codeOf } from '../../../core/system-error.ts';
import { quoted } from '../../../core/text.ts';
import type { Located } from '../value-types.ts';
import type { SecretReference } from '../secret-reference.ts';
import type { Findings } from './finding.ts';

/** The file that a secret is in, where it is in one. */
export function fileOf(secret: Located<SecretReference> | undefined): Located<string> | undefined {
  if (secret?.value.kind !== 'file') return undefined;
  return { origin: secret.origin, value: secret.value.path };
}

/** Warns where every user of this machine may read or change a file with a secret. */
export async function warnIfExposed(file: Located<string> | undefined, findings: Findings): Promise<void> {
  if (file === undefined) return;
  const { origin, value } = file;
  const mode = await modeOf(value);
  if (mode === undefined || (mode & 0o006) === 0) return;
  findings.warn(
    `${origin}: the file ${quoted(value)} with a secret is open to every user of this machine; take their rights away: chmod o=`,
  );
}

/** `undefined` where there is no such file, which others say. */
async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}
