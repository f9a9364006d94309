import { Failure, isFailure, messageOf } from '../../../core/failure.ts';
import {
  RepositoryOvertaken,
  type Backend,
  type DeletionRoom,
  type Notice,
  type OpenOptions,
  type TakeOptions,
  type OpenRepository,
  type Publication,
  type PublishOptions,
} from '../../publication/backend.ts';
import { UNKNOWN_ROOM, type FreeRoom } from '../../../core/system/free-space.ts';
import { publisherAttributes, type Slice } from '../../publication/entry.ts';
import { displayPath, type BytePath } from '../../../core/system/byte-path.ts';
import { Lock, unlessBusy } from '../../../core/system/lock.ts';
import { WriteLosses } from '../inode.ts';
import { orUnusable } from '../../../core/system-failure.ts';
import { CvmfsView } from './view.ts';
import { CvmfsCapabilities } from './capabilities.ts';
import { assertMounted, locateRepository, type CvmfsRepository, type Installation } from './installation.ts';
import { Chunks } from './chunks.ts';
import { divideDeletions, StepRoom, type Deletions } from './deletions.ts';
import { readServerVersion, type ServerVersion } from './server-command.ts';
import { readAhead } from './read-ahead.ts';
import { earlierSeals, newSeal, unionSeal, UNFINISHED, unfinishedTrees, withListOfNew } from './seal.ts';
import { tarArchive } from './tar-writer.ts';
import { isRecorded } from './transaction-record.ts';
import { Server, type ServerLimits } from './transaction.ts';
import { writeUnion, type UnionContent } from './union.ts';

const NOT_VISIBLE = 'no image has become visible';
const READ_AHEAD_BYTES = 16 * 1024 * 1024;
/** Beyond the limit of other commands, for one that goes through all of a repository's storage. */
const LONGER_IDLE = 10;

export interface CvmfsBackendOptions extends ServerLimits {
  readonly installation: Installation;
}

/**
 * Repositories of a CernVM-FS release manager: a publication is one `cvmfs_server ingest`. Only extended attributes,
 * which it cannot carry, and deletions that it does not take need a second transaction; the names then wait for that
 * one.
 */
export class CvmfsBackend implements Backend {
  /** @see CernVM-FS documentation, "Variant Symlinks" */
  readonly expandsLinks = true;
  readonly #options: CvmfsBackendOptions;

  constructor(options: CvmfsBackendOptions) {
    this.#options = options;
  }

  view(name: string): CvmfsView {
    const repository = locateRepository(this.#options.installation, name);
    // A crash of ours may have left it unmounted: then it is recovered before anything is seen through the view.
    if (!isRecorded(repository)) assertMounted(repository);
    return new CvmfsView(repository);
  }

  /** A link is a row of its own, and nobody writes to what is published. */
  mayShare(): boolean {
    return true;
  }

  /** The server reads the stream alone. */
  async filesAside(): Promise<undefined> {
    return await Promise.resolve(undefined);
  }

  /** The server compresses what it takes, and keeps equal files once: the size of the result is unknown before. */
  room(): FreeRoom {
    return UNKNOWN_ROOM;
  }

  async recover(name: string, notice: Notice): Promise<void> {
    await unlessBusy(async () => {
      const { repository, lock, server } = await this.#take(name, { waitMs: 0, notice });
      try {
        if (!server.isBusy()) await this.#openCvmfs({ repository, lock, server }, notice).clearUp();
      } finally {
        lock.release();
      }
    });
  }

  async open(name: string, { notice, signal }: OpenOptions): Promise<OpenRepository> {
    const { repository, lock, server } = await this.#take(name, {
      waitMs: this.#options.waitMs,
      notice,
      signal,
    });
    try {
      await server.waitForOthers(signal);
      const open = this.#openCvmfs({ repository, lock, server }, notice);
      await open.clearUp();
      return open;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  #openCvmfs(
    { repository, ...parts }: { repository: CvmfsRepository; lock: Lock; server: Server },
    notice: Notice,
  ): OpenCvmfs {
    const { installation, idleLimitMs } = this.#options;
    return new OpenCvmfs(repository, { command: installation.command, idleLimitMs, ...parts, notice });
  }

  async #take(
    name: string,
    request: TakeOptions,
  ): Promise<{ repository: CvmfsRepository; lock: Lock; server: Server }> {
    const repository = locateRepository(this.#options.installation, name);
    const lock = await Lock.acquire({
      path: repository.writerLock,
      subject: `the repository ${name}`,
      unusable: 'repository-unusable',
      ...request,
    });
    try {
      const server = new Server(this.#options.installation.command, repository, {
        limits: this.#options,
        notice: request.notice,
      });
      await server.recover();
      assertMounted(repository);
      return { repository, lock, server };
    } catch (error) {
      lock.release();
      throw error;
    }
  }
}

class OpenCvmfs implements OpenRepository {
  readonly view: CvmfsView;
  readonly capabilities: CvmfsCapabilities;
  readonly #command: string;
  readonly #repository: CvmfsRepository;
  readonly #lock: Lock;
  readonly #server: Server;
  readonly #notice: Notice;
  readonly #idleLimitMs: number;
  /** What a publication is composed from. */
  #revision: number | undefined;

  constructor(
    repository: CvmfsRepository,
    parts: { command: string; idleLimitMs: number; lock: Lock; server: Server; notice: Notice },
  ) {
    this.#command = parts.command;
    this.#idleLimitMs = parts.idleLimitMs;
    this.view = new CvmfsView(repository);
    this.capabilities = new CvmfsCapabilities(repository);
    this.#repository = repository;
    this.#lock = parts.lock;
    this.#server = parts.server;
    this.#notice = parts.notice;
    this.#revision = this.view.revision();
  }

  async publish(publication: Publication, options: PublishOptions): Promise<void> {
    await this.#server.waitForOthers(options.signal);
    // Our lock keeps no other program out, and what was composed may refer to what it has taken away.
    if (this.view.revision() !== this.#revision) throw new RepositoryOvertaken(this.#repository.name);
    const { deletions, outdated, xattrs, directories = [], contentBytes: neededBytes } = publication;
    const all = await this.#divide([...deletions, ...outdated, ...(await this.#leftList())]);
    if (xattrs === undefined && directories.length === 0 && all.byUnion.length === 0) {
      await this.#ingest(everything(publication), all.byIngest, { ...options, neededBytes });
      return;
    }
    const { byIngest, byUnion } = await this.#divide(deletions);
    for (const path of [...all.byUnion, ...byUnion]) await this.#refuseHidden(path);
    const trees = withListOfNew(publication.trees(), this.view, publisherAttributes());
    await this.#ingest(trees, byIngest, { ...options, neededBytes });
    try {
      const gone = [UNFINISHED, ...outdated];
      await this.#publishUnion({ ...publication, deletions: byUnion, outdated: gone }, options);
    } catch (error) {
      // Whoever interrupts does not want to wait: the next to open the repository clears up.
      if (!isFailure(error) || error.code !== 'interrupted') await this.clearUp();
      throw error;
    }
  }

  /** The list of what could not be cleared up: a publication may bring some of that again, and it is to stay then. */
  async #leftList(): Promise<BytePath[]> {
    return (await this.view.kindOf(UNFINISHED)) === undefined ? [] : [UNFINISHED];
  }

  /** Takes away what a publication brought that was not finished. */
  async clearUp(): Promise<void> {
    const trees = await unfinishedTrees(this.view);
    if (trees === undefined) return;
    this.#notice('note', `removing from ${this.#repository.name} what an unfinished publication brought`);
    try {
      await this.#remove([...trees, UNFINISHED]);
    } catch (error) {
      if (!isFailure(error)) throw error;
      this.#notice('warning', `what it brought stays for now: ${error.message}`);
    }
  }

  /** Removes as many at a time as one command takes; those that it does not take stay. Bounded: by the number of commands. */
  async #remove(paths: readonly BytePath[]): Promise<void> {
    const { byIngest, byUnion } = await this.#divide(paths);
    if (byIngest.length === 0) return;
    const words = ['ingest', ...byIngest.flatMap((path) => ['-d', path]), this.#repository.name];
    await this.#server.transact(async (run) => {
      await run(words);
    }, 0);
    this.#revision = this.view.revision();
    await this.#remove(byUnion);
  }

  /**
   * A union mount hides deletions (0:0), so that they cannot be deleted there either.
   *
   * @throws Failure `repository-conflict`
   */
  async #refuseHidden(path: BytePath): Promise<void> {
    if ((await this.view.kindOf(path)) !== 'other') return;
    throw new Failure(
      'repository-conflict',
      `the repository has a device at ${displayPath(path)}, which cvmfs_server cannot delete`,
      { hint: 'delete the folder that holds it in a transaction' },
    );
  }

  revision(): number | undefined {
    return this.view.revision();
  }

  async release(): Promise<void> {
    this.#lock.release();
  }

  async deletionRoom(): Promise<DeletionRoom> {
    return new StepRoom(await earlierSeals(this.view), await this.#readVersion());
  }

  /** It opens a transaction of its own, and prints nothing while it marks, and while it sweeps. */
  async freeStorage({ signal }: Pick<PublishOptions, 'signal'>): Promise<boolean> {
    const { name, collectsGarbage } = this.#repository;
    if (!collectsGarbage) return false;
    await this.#server.waitForOthers(signal);
    const idleLimitMs = this.#idleLimitMs * LONGER_IDLE;
    await this.#server.transact(async (run) => {
      await run(['gc', '-f', name], { signal, idleLimitMs });
    }, 0);
    return true;
  }

  async #divide(paths: readonly BytePath[]): Promise<Deletions> {
    return await divideDeletions(paths, this.#readVersion);
  }

  /** The server may be another version at each publication: packages are upgraded under a daemon that runs. */
  readonly #readVersion = async (): Promise<ServerVersion | undefined> =>
    await readServerVersion(this.#command);

  async #ingest(
    entries: AsyncIterable<Slice>,
    gone: readonly BytePath[],
    options: PublishOptions & { readonly neededBytes: number },
  ): Promise<void> {
    const seal = await newSeal(this.view, publisherAttributes());
    const deletions = [...seal.outdated, ...gone];
    const words = ['ingest', '-k', '-t', '-', '-b', '/', ...deletions.flatMap((path) => ['-d', path])];
    const chunks = new Chunks();
    const archive = readAhead(tarArchive(seal.wrap(entries), chunks), READ_AHEAD_BYTES, (chunk) =>
      chunks.reuse(chunk),
    );
    const input = counted(archive, options.onBytes);
    await this.#unlessPublished(seal.path, async () => {
      await this.#server.transact(async (run) => {
        const { signal, onInputWait } = options;
        await run([...words, this.#repository.name], { input, signal, ...(onInputWait && { onInputWait }) });
      }, options.neededBytes);
    });
  }

  /** A command that fails after the publication was made (its remount got stuck, say) has published all the same. */
  async #unlessPublished(seal: BytePath, publish: () => Promise<void>): Promise<void> {
    try {
      await publish();
    } catch (error) {
      if ((await this.view.kindOf(seal)) === undefined) throw error;
      this.#notice('warning', `published, although the command failed: ${messageOf(error)}`);
    }
    this.#revision = this.view.revision();
  }

  async #publishUnion({ names, ...content }: UnionContent, { signal }: PublishOptions): Promise<void> {
    const { name, mount } = this.#repository;
    const losses = new WriteLosses();
    const seal = unionSeal(publisherAttributes());
    await this.#unlessPublished(seal.path, async () => {
      await this.#server.transact(async (run) => {
        await run(['transaction', name], { signal });
        await orUnusable({ path: mount, code: 'repository-unusable', outcome: NOT_VISIBLE }, async () => {
          await writeUnion(mount, { ...content, names: [seal, ...names] }, losses);
        });
        await run(['publish', name], { signal });
      }, 0);
    });
    const lost = losses.summary();
    if (lost !== undefined) this.#notice('warning', lost);
  }
}

async function* everything({ trees, names }: Publication): AsyncGenerator<Slice> {
  yield* trees();
  yield names;
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    onBytes(chunk.length);
  }
}
