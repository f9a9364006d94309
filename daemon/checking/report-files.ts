import { rm } from 'node:fs/promises';
import { extname } from 'node:path';
import { codeOf } from '../../core/system-error.ts';
import { Failure } from '../../core/failure.ts';
import { quoted } from '../../core/text.ts';
import type { Configuration } from '../configuration/options.ts';
import { writeWhole } from '../../core/system/files.ts';

type Format = Configuration['format'];

/** By file name extension. */
const FORMATS: Readonly<Record<string, Format>> = { '.md': 'markdown', '.xml': 'junit', '.json': 'json' };

/** An additional file for the findings. */
export interface ReportFile {
  readonly path: string;
  readonly format: Format;
}

/**
 * Removes the files at `paths` until they are written: an existing file may be somebody else's.
 *
 * @throws Failure `configuration-invalid`
 */
export async function openReportFiles(paths: readonly string[]): Promise<ReportFile[]> {
  const files = paths.map((path) => {
    const format = FORMATS[extname(path)];
    if (format !== undefined) return { path, format };
    throw new Failure('configuration-invalid', `--report ${quoted(path)} has no known ending`, {
      hint: `end it with one of ${Object.keys(FORMATS).join(', ')}`,
    });
  });
  for (const { path } of files) await orUnwritable(path, async () => await rm(path, { force: true }));
  return files;
}

/**
 * Writes a new file, whatever stands at the path: a link there is replaced, not followed.
 *
 * @throws Failure `configuration-invalid`
 */
export async function writeReportFile({ path }: ReportFile, text: string): Promise<void> {
  await orUnwritable(path, async () => await writeWhole(path, text, 0o666));
}

async function orUnwritable(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    throw new Failure('configuration-invalid', `--report ${quoted(path)} cannot be written (${code})`, {
      hint: 'name a file in a folder that you may write to',
      cause: error,
    });
  }
}
