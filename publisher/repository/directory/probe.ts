import {
  lstatSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  closeSync,
  constants,
  fchownSync,
  openSync,
} from 'node:fs';
import { Failure } from '../../../core/failure.ts';
import { codeOf, isDiskFull } from '../../../core/system-error.ts';
import { systemFailure } from '../../../core/system-failure.ts';
import { displayPath, pathBelow, type BytePath } from '../../../core/system/byte-path.ts';
import { makeNode, setXattr } from '../../../core/system/libc.ts';
import {
  NO_EXPOSURE,
  type Exposure,
  EARLIEST_TIME,
  LATEST_TIME,
  LINUX_LIMITS,
  type RepositoryCapabilities,
} from '../../publication/capabilities.ts';
import type { Attributes } from '../../publication/entry.ts';
import type { WorkingPaths } from './journal.ts';
import { XATTR_BYTES_THAT_FIT, fileTime, isXattrRefused, isOwnerTaken, mayOwn } from '../inode.ts';

/** Names that some file systems take for one: by case, and by the form of Unicode (one character a byte). */
const LOOK_ALIKES = [
  ['name', 'NAME'],
  ['\xc3\xa9', 'e\xcc\x81'],
] as const;

/** Of ext4 (65,000), the fewest of the usual file systems. */
const MOST_LINKS = 65_000;
const WRITE_BY_OTHERS = 0o022;
const SET_ID_BITS = 0o6000;
/** Kinds of sets of extended attributes that are remembered. */
const MOST_KINDS = 10_000;

/**
 * Finds out what the file system of a repository, and the user who runs this, can hold: by trying, once each, in a
 * folder of its own, since nothing else is certain.
 */
export class Probe implements RepositoryCapabilities {
  readonly xattrsReason = 'the file system does not take them, or this user may not set them';
  readonly longestPathBytes: number;
  readonly exposes: Exposure;
  readonly #folder: string;
  readonly #namespaces = new Map<string, boolean>();
  #owners: OwnerProbe | undefined;
  /** By what decides whether they fit: which of a set of attributes do not. */
  readonly #kinds = new Map<string, ReadonlySet<number>>();
  #longestNameBytes: number | undefined;
  #longestTargetBytes: number | undefined;
  #earliestTime: number | undefined;
  #latestTime: number | undefined;
  readonly largeFileBytes = Infinity;
  readonly mostLinks = MOST_LINKS;
  readonly changesDirectories = 'in-stream';
  #takesAnyBytes: boolean | undefined;
  #takesDevices: boolean | undefined;

  constructor({ probe, staging }: WorkingPaths, exposes: Exposure = NO_EXPOSURE) {
    this.#folder = probe;
    this.exposes = exposes;
    this.longestPathBytes = LINUX_LIMITS.longestPathBytes - Buffer.byteLength(`${staging}/`);
  }

  get longestNameBytes(): number {
    return (this.#longestNameBytes ??= longest(LINUX_LIMITS.longestNameBytes, (bytes) =>
      this.#takes(() => this.#makeFile('n'.repeat(bytes))),
    ));
  }

  get longestTargetBytes(): number {
    return (this.#longestTargetBytes ??= longest(LINUX_LIMITS.longestTargetBytes, (bytes) =>
      this.#takes(() => symlinkSync('t'.repeat(bytes), this.#at('link'))),
    ));
  }

  get earliestTime(): number {
    return (this.#earliestTime ??= -longest(-EARLIEST_TIME, (seconds) => this.#keepsTime(-seconds)));
  }

  get latestTime(): number {
    return (this.#latestTime ??= longest(LATEST_TIME, (seconds) => this.#keepsTime(seconds)));
  }

  get takesAnyBytes(): boolean {
    return (this.#takesAnyBytes ??= this.#takes(() => this.#makeFile('\xff')));
  }

  get takesDevices(): boolean {
    return (this.#takesDevices ??= this.#takes(() =>
      makeNode(this.#at('device'), { type: 'character-device', major: 1, minor: 3 }),
    ));
  }

  /** Set-ID bits are left out at some times, and kept at others. */
  sharesFiles(attributes: Attributes): boolean {
    return mayShare(attributes) && (isOwn(attributes) || !this.takesOwner(attributes));
  }

  takesOwner({ uid, gid }: Attributes): boolean {
    return (this.#owners ??= this.#probeOwners()).takes(uid, gid);
  }

  lostXattrs(values: ReadonlyMap<string, string>): string[] {
    let bytes = 0;
    for (const [name, value] of values) bytes += name.length + value.length;
    if (bytes > XATTR_BYTES_THAT_FIT) return this.#refusedOfKind(values);
    return [...values].filter(([name, value]) => !this.#takesNamespace(name, value)).map(([name]) => name);
  }

  /** @throws Failure `repository-unusable` where two names of an image may be one for the file system */
  assertTellsNamesApart(pairs: readonly (readonly [BytePath, BytePath])[] = LOOK_ALIKES): void {
    for (const [one, other] of pairs) {
      const areTwo = this.#takes(() => {
        this.#makeFile(one);
        this.#makeFile(other);
      });
      if (areTwo) continue;
      const names = `${displayPath(one)} and ${displayPath(other)}`;
      throw new Failure(
        'repository-unusable',
        `the file system of ${this.#folder} takes ${names} for one name`,
        {
          hint: 'names of images may differ in nothing else: let --root name a directory on another file system',
        },
      );
    }
  }

  /** To be called when nothing more is asked. */
  close(): void {
    this.#owners?.close();
    this.#owners = undefined;
  }

  clear(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #probeOwners(): OwnerProbe {
    let owners: OwnerProbe | undefined;
    this.#takes(() => {
      owners = new OwnerProbe(this.#at('file'));
    });
    if (owners !== undefined) return owners;
    throw new Failure('repository-unusable', `no file can be made in ${this.#folder}`);
  }

  #takesNamespace(name: string, value: string): boolean {
    const namespace = name.slice(0, name.indexOf('.'));
    const known = this.#namespaces.get(namespace);
    if (known !== undefined) return known;
    const takes = this.#refusedXattrs(new Map([[name, value]])).length === 0;
    this.#namespaces.set(namespace, takes);
    return takes;
  }

  /** Tries once for all sets of attributes that are alike: namespaces and lengths alone decide whether many fit. */
  #refusedOfKind(values: ReadonlyMap<string, string>): string[] {
    const names = [...values.keys()];
    const kind = [...values]
      .map(([name, value]) => `${name.slice(0, name.indexOf('.'))} ${name.length} ${value.length}`)
      .join();
    let refused = this.#kinds.get(kind);
    if (refused === undefined) {
      const lost = new Set(this.#refusedXattrs(values));
      refused = new Set(names.flatMap((name, index) => (lost.has(name) ? [index] : [])));
      if (this.#kinds.size >= MOST_KINDS) this.#kinds.clear();
      this.#kinds.set(kind, refused);
    }
    return names.filter((_, index) => refused.has(index));
  }

  #refusedXattrs(values: ReadonlyMap<string, string>): string[] {
    const lost: string[] = [];
    this.#takes(() => {
      this.#makeFile('file');
      let bytes = 0;
      for (const [name, value] of values) {
        bytes += name.length + value.length;
        try {
          setXattr(this.#at('file'), name, value);
        } catch (error) {
          if (!isXattrRefused(error, bytes)) throw error;
          lost.push(name);
        }
      }
    });
    return lost;
  }

  /**
   * Whether the system allows what `attempt` makes in an empty folder.
   *
   * @throws Failure `disk-full`, `repository-unusable` where that cannot be found out
   */
  #takes(attempt: () => void): boolean {
    try {
      this.clear();
      mkdirSync(this.#folder, { mode: 0o700 });
      return this.#isAllowed(attempt);
    } catch (error) {
      const outcome = 'no image has become visible';
      throw systemFailure(error, { path: this.#folder, code: 'repository-unusable', outcome });
    }
  }

  #isAllowed(attempt: () => void): boolean {
    try {
      attempt();
      return true;
    } catch (error) {
      if (codeOf(error) === undefined || isDiskFull(error)) throw error;
      return false;
    } finally {
      this.clear();
    }
  }

  #keepsTime(seconds: number): boolean {
    let isKept = false;
    this.#takes(() => {
      this.#makeFile('file');
      utimesSync(this.#at('file'), fileTime(seconds), fileTime(seconds));
      isKept = Math.floor(lstatSync(this.#at('file')).mtimeMs / 1000) === seconds;
    });
    return isKept;
  }

  #makeFile(name: BytePath): void {
    writeFileSync(this.#at(name), '', { flag: 'wx' });
  }

  #at(name: BytePath): Buffer {
    return pathBelow(this.#folder, name);
  }
}

/** False for what is shared on no file system: somebody else can write to it, or it gives rights. */
export function mayShare(attributes: Attributes): boolean {
  const isOpen = (attributes.mode & (WRITE_BY_OTHERS | SET_ID_BITS)) !== 0;
  // What an ordinary user unpacks gets his ownership, nearly everywhere.
  return !isOpen && (isOwn(attributes) || process.getuid?.() !== 0);
}

function isOwn({ uid }: Attributes): boolean {
  return uid === 0 || uid === process.getuid?.();
}

/** The largest number up to `most` for which `isPossible`, where it is so for all below. */
function longest(most: number, isPossible: (number: number) => boolean): number {
  if (isPossible(most)) return most;
  let [possible, impossible] = [0, most];
  while (impossible - possible > 1) {
    const middle = Math.floor((possible + impossible) / 2);
    if (isPossible(middle)) possible = middle;
    else impossible = middle;
  }
  return possible;
}

/** Kept of a layer that has a million owners: beyond so many they are asked for again. */
const MOST_KNOWN = 10_000;
/** Leaves the user, or the group, as it is: chown(2). */
const AS_IT_IS = -1;

/**
 * Finds out whom files can belong to, on one file system and in this process's user namespace: by giving a file away that
 * has no name any more.
 */
export class OwnerProbe {
  readonly #fd: number;
  readonly #users = new Map<number, boolean>();
  readonly #groups = new Map<number, boolean>();

  /** @param path of a file that is made, and that the caller removes */
  constructor(path: Buffer) {
    this.#fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  }

  takes(uid: number, gid: number): boolean {
    if (!mayOwn(uid, gid)) return false;
    return (
      this.#known(this.#users, uid, () => fchownSync(this.#fd, uid, AS_IT_IS)) &&
      this.#known(this.#groups, gid, () => fchownSync(this.#fd, AS_IT_IS, gid))
    );
  }

  close(): void {
    closeSync(this.#fd);
  }

  #known(answers: Map<number, boolean>, id: number, change: () => void): boolean {
    const known = answers.get(id);
    if (known !== undefined) return known;
    if (answers.size >= MOST_KNOWN) answers.clear();
    const answer = isOwnerTaken(change);
    answers.set(id, answer);
    return answer;
  }
}
