import type { ImageConfig } from '../../../core/oci/config.ts';

/** The part of an image's config that start-up files depend on. Strings are text, written as UTF-8. */
export type StartupConfig = Pick<ImageConfig, 'entrypoint' | 'cmd' | 'env' | 'labels' | 'workingDirectory'>;

/** An inode of the start-up files; `path` is relative to the image's root, parents come before their children. */
export type StartupEntry = StartupDirectory | StartupFile | StartupLink;

interface StartupInode<Type> {
  readonly type: Type;
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
}

export type StartupDirectory = StartupInode<'directory'>;

export interface StartupFile extends StartupInode<'file'> {
  /** Text, to be written as UTF-8. */
  readonly content: string;
}

interface StartupLink extends StartupInode<'symlink'> {
  /** Relative to the image's root, where all these links lie. */
  readonly target: string;
}

export function directory(path: string, mode = 0o755): StartupDirectory {
  return { type: 'directory', path, mode };
}

export function script(path: string, content: string): StartupFile {
  return { type: 'file', path, mode: 0o755, content };
}

export function dataFile(path: string, content: string): StartupFile {
  return { type: 'file', path, mode: 0o644, content };
}

export function link(path: string, target: string): StartupLink {
  return { type: 'symlink', path, mode: 0o777, target };
}

/**
 * `text` as one word of a POSIX shell that stands for exactly these characters, whatever they are. `text` must not
 * hold NUL: no argument and no variable can.
 *
 * The shell interpreter in apptainer needs more care than a shell does: after `export` it keeps the backslash of a
 * quote written as `\'`; even within quotes it drops a carriage return before a line feed and takes U+0080 for the end
 * of the script. So a quote stands between double quotes, and control characters other than tab and line feed are
 * spelled out, which also makes the script fit to be displayed.
 */
export function shellWord(text: string): string {
  const quoted = text.replaceAll("'", `'"'"'`).replaceAll(CONTROLS, (run) => `'"$(printf '${octal(run)}')"'`);
  return `'${quoted}'`;
}

/** Reports whether a shell, or any program's argument or environment, can hold `text`. */
export function representable(text: string): boolean {
  return !text.includes('\0');
}

// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0001-\u0008\u000b-\u001f\u007f-\u009f]+/g;

function octal(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
