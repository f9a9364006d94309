/** What an image's config says that start-up files depend on. Strings are text, written as UTF-8. */
export interface StartupConfig {
  readonly entrypoint: readonly string[] | undefined;
  readonly cmd: readonly string[] | undefined;
  /** `NAME=VALUE` each. */
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Where docker starts programs; `''` means the root. */
  readonly workingDirectory: string;
}

/** One inode of the start-up files; `path` is relative to the image's root, parents come before what they hold. */
export type StartupEntry = StartupDirectory | StartupFile | StartupLink;

export interface StartupDirectory {
  readonly type: 'directory';
  readonly path: string;
  /** Permission bits, as in the other kinds. */
  readonly mode: number;
}

export interface StartupFile {
  readonly type: 'file';
  readonly path: string;
  readonly mode: number;
  /** Text, to be written as UTF-8. */
  readonly content: string;
}

export interface StartupLink {
  readonly type: 'symlink';
  readonly path: string;
  readonly mode: number;
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
