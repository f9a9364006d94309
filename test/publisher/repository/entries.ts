import type { Notice, Publication } from '../../../publisher/publication/backend.ts';
import type {
  Attributes,
  DeviceEntry,
  DirectoryEntry,
  Entry,
  ExtendedAttributes,
  FileEntry,
  HardLinkEntry,
  Slice,
  SymbolicLinkEntry,
} from '../../../publisher/publication/entry.ts';

/** Of whoever runs the tests, so that every user can keep them. */
const OWN = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mtime: 1_700_000_000 };

type Some = Partial<Attributes>;

export function fileEntry(path: string, content: string | Uint8Array = '', attributes: Some = {}): FileEntry {
  const bytes = Buffer.from(content);
  return {
    type: 'file',
    path,
    attributes: { mode: 0o644, ...OWN, ...attributes },
    sizeBytes: bytes.length,
    content: [bytes],
  };
}

export function directoryEntry(path: string, attributes: Some = {}): DirectoryEntry {
  return { type: 'directory', path, attributes: { mode: 0o755, ...OWN, ...attributes } };
}

export function symlinkEntry(path: string, target: string, attributes: Some = {}): SymbolicLinkEntry {
  return { type: 'symlink', path, target, attributes: { mode: 0o777, ...OWN, ...attributes } };
}

export function linkEntry(path: string, target: string): HardLinkEntry {
  return { type: 'link', path, target };
}

export function specialEntry(
  path: string,
  type: DeviceEntry['type'],
  { major = 0, minor = 0, ...attributes }: Some & { major?: number; minor?: number } = {},
): DeviceEntry {
  return { type, path, major, minor, attributes: { mode: 0o600, ...OWN, ...attributes } };
}

/** A publication of what is given; names are the entries that come last. */
export function publication(
  trees: Iterable<Entry> | AsyncIterable<Entry>,
  {
    xattrs = [],
    ...more
  }: Partial<Pick<Publication, 'deletions' | 'outdated' | 'names'>> & {
    readonly xattrs?: readonly ExtendedAttributes[];
  } = {},
): Publication {
  return {
    deletions: [],
    outdated: [],
    names: [],
    contentBytes: 0,
    inodes: 0,
    ...more,
    xattrs:
      xattrs.length === 0
        ? undefined
        : async function* () {
            yield* xattrs;
          },
    trees: () => sliced(trees),
  };
}

/** Slices of one entry each. */
export async function* sliced(entries: Iterable<Entry> | AsyncIterable<Entry>): AsyncGenerator<Slice> {
  for await (const entry of entries) yield [entry];
}

export async function* eachOf(slices: AsyncIterable<Slice>): AsyncGenerator<Entry> {
  for await (const slice of slices) yield* slice;
}

/** What is told while a repository is used, as `SEVERITY: MESSAGE`. */
export function listener(): { notice: Notice; said: string[] } {
  const said: string[] = [];
  return { said, notice: (severity, message) => said.push(`${severity}: ${message}`) };
}

/** Options of a publication that nobody interrupts. */
export function uninterrupted(): { signal: AbortSignal; onBytes: () => void } {
  return { signal: new AbortController().signal, onBytes: () => undefined };
}
