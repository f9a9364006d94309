import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { needsRoot, skip } from '../programs.ts';

/** A file system to be mounted, as mount(8) takes it. */
export interface Mount {
  readonly type: 'tmpfs' | 'ramfs' | 'overlay' | 'none';
  readonly options: string;
  /** The directory to bind; of other types nothing. */
  readonly source?: string;
}

/**
 * Calls `work` while `mount` is mounted on the existing directory `folder`, and unmounts it in any case. The test is
 * skipped where this process may not mount: in most containers root may not.
 */
export async function withMount(
  context: Mocha.Context,
  folder: string,
  { type, options, source = type }: Mount,
  work: () => Promise<void>,
): Promise<void> {
  needsRoot(context);
  // By itself everybody may write in it.
  const all = type === 'tmpfs' ? `mode=0755,${options}` : options;
  const words = ['-t', type, '-o', all, source, folder];
  const { status, stderr } = spawnSync('mount', words, { encoding: 'utf8' });
  if (/permission denied|not permitted/i.test(stderr)) skip(context, 'where nothing may be mounted');
  if (status !== 0) throw new Error(`mount ${words.join(' ')}: ${stderr}`);
  try {
    await work();
  } finally {
    spawnSync('umount', ['--lazy', folder]);
  }
}

/** The same for fuse-overlayfs, with the directories of `lower` over each other, the topmost first. */
export async function withFuseOverlay(
  context: Mocha.Context,
  folder: string,
  lower: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  needsRoot(context);
  if (!existsSync('/dev/fuse')) skip(context, 'without /dev/fuse');
  const words = ['-o', `lowerdir=${lower.join(':')}`, folder];
  const { status, stderr } = spawnSync('fuse-overlayfs', words, { encoding: 'utf8' });
  if (/permission denied|not permitted/i.test(stderr)) skip(context, 'where nothing may be mounted');
  if (status !== 0) throw new Error(`fuse-overlayfs ${words.join(' ')}: ${stderr}`);
  try {
    await work();
  } finally {
    spawnSync('umount', ['--lazy', folder]);
  }
}
