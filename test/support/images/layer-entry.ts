/** A name in an archive: text is written as UTF-8, a buffer as it is. */
export type Name = string | Buffer;

/** What an entry of a layer carries; what is left out has the plain value given here. */
export interface EntryAttributes {
  /** Permission bits; 0o755 for directories, 0o644 otherwise. */
  readonly mode?: number;
  /** 0 */
  readonly uid?: number;
  /** 0 */
  readonly gid?: number;
  /** Seconds since 1970, possibly negative or with a fraction; 1,700,000,000. */
  readonly mtime?: number;
  /** Extended attributes, as pax records `SCHILY.xattr.NAME`. */
  readonly xattrs?: Readonly<Record<string, string | Buffer>>;
  /** Further pax records, which win over what the entry says itself. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
}

interface Named extends EntryAttributes {
  /** As written to the archive: nothing is added, cleaned or checked. */
  readonly path: Name;
}

export type LayerEntry =
  | (Named & { readonly type: 'file'; readonly content: Buffer })
  /** A file with the content of one on this machine, read while the archive is written. */
  | (Named & { readonly type: 'copy'; readonly source: string })
  | (Named & { readonly type: 'directory' | 'fifo' })
  | (Named & { readonly type: 'symlink' | 'link'; readonly target: Name })
  | (Named & {
      readonly type: 'character-device' | 'block-device';
      readonly major: number;
      readonly minor: number;
    })
  /** Bytes of the archive itself, for what no other entry can say. */
  | { readonly type: 'raw'; readonly bytes: Buffer };

export function file(
  path: Name,
  content: string | Buffer = '',
  attributes: EntryAttributes = {},
): LayerEntry {
  return { type: 'file', path, content: Buffer.from(content), ...attributes };
}

export function copyOf(path: Name, source: string, attributes: EntryAttributes = {}): LayerEntry {
  return { type: 'copy', path, source, ...attributes };
}

export function directory(path: Name, attributes: EntryAttributes = {}): LayerEntry {
  return { type: 'directory', path, ...attributes };
}

export function symlink(path: Name, target: Name, attributes: EntryAttributes = {}): LayerEntry {
  return { type: 'symlink', path, target, mode: 0o777, ...attributes };
}

export function hardLink(path: Name, target: Name, attributes: EntryAttributes = {}): LayerEntry {
  return { type: 'link', path, target, ...attributes };
}

export function device(
  path: Name,
  type: 'character-device' | 'block-device',
  [major, minor]: readonly [major: number, minor: number],
  attributes: EntryAttributes = {},
): LayerEntry {
  return { type, path, major, minor, ...attributes };
}

export function fifo(path: Name, attributes: EntryAttributes = {}): LayerEntry {
  return { type: 'fifo', path, ...attributes };
}

/** Deletes `path` of the layers below. */
export function whiteout(path: string): LayerEntry {
  const end = path.lastIndexOf('/') + 1;
  return file(`${path.slice(0, end)}.wh.${path.slice(end)}`);
}

/** Hides all that the layers below have in the directory `path` (`''`: the root). */
export function opaque(path: string): LayerEntry {
  return file(path === '' ? '.wh..wh..opq' : `${path}/.wh..wh..opq`);
}
