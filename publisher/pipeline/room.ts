import { exactSize, formatBytes } from '../../core/text.ts';
import { Failure } from '../../core/failure.ts';
import { roomText } from '../../core/system/free-space.ts';
import type { Release, SpoolBudget } from '../spool/budget.ts';
import type { Spool } from '../spool/spool.ts';
import { weightOf } from './batches.ts';
import type { Candidate } from './resolve.ts';

export type RoomySpool = Pick<
  Spool,
  'directory' | 'freeBytes' | 'evictableBytes' | 'lackingBytes' | 'makeRoom'
>;

/** The room for images that are fetched: what the configuration allows, and what the disk of the spool has. */
export class Room {
  readonly #spool: RoomySpool;
  readonly #budget: SpoolBudget;

  constructor(spool: RoomySpool, budget: SpoolBudget) {
    this.#spool = spool;
    this.#budget = budget;
  }

  /** True while nobody takes any: waiting brings no room then. */
  get isUntaken(): boolean {
    return this.#budget.isIdle;
  }

  /** Why the spool can never hold an image; `undefined`: it can. */
  refusal(candidate: Candidate): Failure | undefined {
    const bytes = weightOf(candidate);
    const { limitBytes } = this.#budget;
    if (bytes <= limitBytes) return undefined;
    return new Failure(
      'disk-full',
      `its layers have ${formatBytes(bytes)}, more than the spool may hold (${exactSize(limitBytes)})`,
      { hint: 'to publish images of this size, raise --spool-size' },
    );
  }

  /**
   * Takes room for one candidate after the other, as long as things stay as they are.
   *
   * @returns for a candidate what gives its room back; `undefined` where there is none now
   */
  taking(): (candidate: Candidate) => Release | undefined {
    const taken = new Set(this.#budget.layers.map(({ digest }) => digest));
    const free = this.#spool.freeBytes;
    const underWay = this.#spool.lackingBytes(this.#budget.layers);
    let evictable: number | undefined;
    return (candidate) => {
      const weight = weightOf(candidate);
      const { registry } = candidate.resolved.reference;
      if (!this.#budget.hasRoom(weight, registry)) return undefined;
      const lacking = this.#spool.lackingBytes(candidate.missing.filter(({ digest }) => !taken.has(digest)));
      if (free !== undefined && lacking > 0 && underWay + lacking > free) {
        // What is here of the image itself is not to go.
        evictable ??= this.#spool.evictableBytes;
        if (underWay + lacking > free + Math.max(0, evictable - (weight - lacking))) return undefined;
      }
      return this.#budget.take(weight, candidate.missing, registry);
    };
  }

  /** True where what was taken needs more than is free: {@link make} is to be called then, once blobs that must stay are held. */
  get isShort(): boolean {
    const { freeBytes } = this.#spool;
    return freeBytes !== undefined && this.#spool.lackingBytes(this.#budget.layers) > freeBytes;
  }

  async make(): Promise<void> {
    await this.#spool.makeRoom(this.#spool.lackingBytes(this.#budget.layers));
  }

  /** The failure of an image that has no room although nobody takes any. */
  full(candidate: Candidate): Failure {
    const { directory, freeBytes, evictableBytes } = this.#spool;
    const room = roomText(this.#spool.lackingBytes(candidate.missing), (freeBytes ?? 0) + evictableBytes);
    return new Failure('disk-full', `no room in ${directory}: ${room}`, {
      hint: 'make room there, or set temporary-dir to a folder on a larger disk; "unpackd retry" tries it again now',
    });
  }
}
