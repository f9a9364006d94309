import { chmod, lstat, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountPoints, startupFiles } from '../../../../publisher/outputs/apptainer/startup-files.ts';
import type { StartupConfig, StartupEntry } from '../../../../publisher/outputs/apptainer/startup-entry.ts';

export function startupConfig(config: Partial<StartupConfig> = {}): StartupConfig {
  return { entrypoint: undefined, cmd: undefined, env: [], labels: {}, workingDirectory: '', ...config };
}

/** Writes the start-up files and missing mount points into `root`, as a container would see them. */
export async function writeStartupFiles(root: string, config: Partial<StartupConfig>): Promise<void> {
  for (const entry of startupFiles(startupConfig(config))) await write(root, entry);
  for (const entry of mountPoints) {
    if (!(await exists(join(root, entry.path)))) await write(root, entry);
  }
}

/** The same for running the scripts outside a container: they look for `.singularity.d` in `root`. */
export async function writeRelocatedFiles(root: string, config: Partial<StartupConfig>): Promise<void> {
  for (const entry of startupFiles(startupConfig(config))) {
    await write(root, entry.type === 'file' ? { ...entry, content: relocated(entry.content, root) } : entry);
  }
}

function relocated(content: string, root: string): string {
  return content.replaceAll('/.singularity.d', `${root}/.singularity.d`);
}

async function write(root: string, entry: StartupEntry): Promise<void> {
  const path = join(root, entry.path);
  if (entry.type === 'symlink') return symlink(entry.target, path);
  if (entry.type === 'file') await writeFile(path, entry.content);
  else await mkdir(path);
  await chmod(path, entry.mode);
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
