/** What a path is, as any reader of a tree finds it. */
export interface PathFacts {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds. */
  readonly mtime: number;
  /** Content of a file, target of a symbolic link; one character a byte. */
  readonly text: string;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, string>;
  /** The same for all names of one file. */
  readonly inode: unknown;
}

const USUAL_MTIME = 1_700_000_000;

/**
 * A line for each path, sorted: `d/`, `f = content`, `g == f` (a further name), `s -> target`, `n c 1:3`, `n b 8:1`, `p p`.
 * After it comes what is not as usual: mode, owners, `@` and the time, extended attributes. Contents over 60 bytes are
 * shown by their length and their last bytes.
 */
export function imageLines(facts: Iterable<PathFacts>): string[] {
  const names = new Map<unknown, string>();
  return [...facts]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map((found) => {
      const first = names.get(found.inode);
      if (first !== undefined) return `${found.path} == ${first}`;
      if (found.type === 'file') names.set(found.inode, found.path);
      return `${found.path}${whatItIs(found)}${whatIsUnusual(found)}`;
    });
}

function whatItIs({ type, text, major, minor }: PathFacts): string {
  switch (type) {
    case 'directory':
      return '/';
    case 'file':
      return ` = ${text.length > 60 ? `${text.length} bytes …${text.slice(-10)}` : text}`;
    case 'symlink':
      return ` -> ${text.length > 60 ? `${text.length} bytes …${text.slice(-10)}` : text}`;
    case 'character-device':
      return ` c ${major}:${minor}`;
    case 'block-device':
      return ` b ${major}:${minor}`;
    case 'fifo':
      return ' p';
  }
}

function whatIsUnusual({ type, mode, uid, gid, mtime, xattrs }: PathFacts): string {
  const usualMode = { directory: 0o755, symlink: 0o777 }[type as string] ?? 0o644;
  let line = '';
  if (mode !== usualMode) line += ` ${mode.toString(8).padStart(3, '0')}`;
  if (uid !== 0 || gid !== 0) line += ` ${uid}:${gid}`;
  if (mtime !== USUAL_MTIME) line += ` @${mtime}`;
  if (xattrs.size > 0) line += ` ${JSON.stringify(Object.fromEntries(xattrs))}`;
  return line;
}
