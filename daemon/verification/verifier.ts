import type { Failure } from '../../core/failure.ts';
import { mapLimited } from '../../core/concurrency.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import { isDigest } from '../../core/oci/digest.ts';
import type { Observer } from '../../publisher/image/events.ts';
import type { ListingStore } from '../../publisher/layer/listing-store.ts';
import type { RepositoryPublisher } from '../../publisher/pipeline/repository-publisher.ts';
import type { RepositoryView } from '../../publisher/publication/view.ts';
import { READS_AT_A_TIME } from '../../publisher/publication/walk.ts';
import { foundImage } from '../../publisher/published/find-published.ts';
import { isSound, type Finding, type ImageFindings } from '../../publisher/verification/finding.ts';
import { namesToVerify } from '../../publisher/verification/names.ts';
import { repairImages } from '../../publisher/verification/repair.ts';
import { verifyImages } from '../../publisher/verification/verify.ts';
import type { PublisherPool } from '../cycle/publisher-pool.ts';
import { damageKey, type Damage } from '../state/verifications.ts';
import { leadsElsewhere, republish } from './republish.ts';
import type { VerificationRecords } from './records.ts';

export interface VerifierContext {
  readonly repository: string;
  readonly pool: PublisherPool;
  readonly records: VerificationRecords;
  readonly listings: ListingStore;
  readonly observe: Observer;
  readonly nowMs: () => number;
  /** The reference by which a name was asked for, where that is known. */
  readonly referenceOf: (name: string) => ImageReference | undefined;
  readonly isDeep: boolean;
  readonly isRepairing: boolean;
  /** Called between images that are verified together, with how many are done. @returns false: the others stay unverified */
  readonly mayGoOn: (done: number) => Promise<boolean>;
}

/** A verified image that is not simply sound. */
export interface VerifiedImage {
  readonly name: string;
  /** What was wrong before any repair: the first of it. */
  readonly findings: readonly FindingSince[];
  /** Number of findings beyond. */
  readonly more: number;
  /** What could not be found out, and why. */
  readonly unknown: readonly string[];
  readonly isRepaired: boolean;
  /** Why it could not be repaired. */
  readonly failure: Failure | undefined;
}

export interface FindingSince extends Finding {
  readonly sinceMs: number;
}

/** Images that are verified together: whoever waits for the spool has it in between. */
const IMAGES_AT_A_TIME = 100;
/** The same where their layers are fetched for it. */
const IMAGES_FETCHED_AT_A_TIME = 10;

/** Verifies images of one repository, repairs them on request, and remembers what it found. */
export class Verifier {
  readonly #context: VerifierContext;

  constructor(context: VerifierContext) {
    this.#context = context;
  }

  /**
   * Verifies what is published as `names`, in their order.
   *
   * @returns those that are not simply sound
   * @throws Failure that is no image's own
   */
  async *verify(names: readonly string[]): AsyncGenerator<VerifiedImage> {
    this.#context.observe({ type: 'images', count: names.length });
    const { listed, unlisted } = await this.#byListings(names);
    let done = 0;
    const steps = [
      ...Array.from(slices(listed, IMAGES_AT_A_TIME), (some) => ({ some, needsSpool: false })),
      ...Array.from(slices(unlisted, IMAGES_FETCHED_AT_A_TIME), (some) => ({ some, needsSpool: true })),
    ];
    for (const { some, needsSpool } of steps) {
      if (done > 0 && !(await this.#context.mayGoOn(done))) return;
      yield* await this.#verifySome(some, needsSpool);
      done += some.length;
    }
  }

  /** Layers without a listing are fetched, into the spool. */
  async #byListings(
    names: readonly string[],
  ): Promise<{ readonly listed: readonly string[]; readonly unlisted: readonly string[] }> {
    const { isDeep, listings } = this.#context;
    if (isDeep) return { listed: [], unlisted: names };
    const layersOf = await this.#using(
      false,
      async ({ view }) =>
        await mapLimited(
          names,
          READS_AT_A_TIME,
          async (name) => (await foundImage(view, name))?.layers ?? [],
        ),
    );
    const unknown = new Set<string>();
    await mapLimited(new Set(layersOf.flat().map(({ digest }) => digest)), READS_AT_A_TIME, async (layer) => {
      if (isDigest(layer) && (await listings.headerOf(layer)) === undefined) unknown.add(layer);
    });
    const isListed = (_name: string, index: number): boolean =>
      layersOf[index]?.every(({ digest }) => !unknown.has(digest)) !== false;
    return {
      listed: names.filter(isListed),
      unlisted: names.filter((name, index) => !isListed(name, index)),
    };
  }

  async #verifySome(names: readonly string[], needsSpool: boolean): Promise<VerifiedImage[]> {
    const found = await this.#using(needsSpool, async (publisher) => await this.#look(publisher, names));
    const broken = found.filter((one) => !isSound(one));
    const repaired = await this.#repair(broken);
    const verified: VerifiedImage[] = [];
    for (const one of found) {
      const result = await this.#record(one, repaired.get(one.name));
      if (!isSound(one) || one.unknown.length > 0) verified.push(result);
    }
    return verified;
  }

  /** What is published meanwhile may look damaged: what does so is looked at again. */
  async #look(publisher: RepositoryPublisher, names: readonly string[]): Promise<ImageFindings[]> {
    const { observe } = this.#context;
    const first = await this.#findings(publisher, names, (name) =>
      observe({ type: 'image-verified', image: name }),
    );
    const doubtful = first.filter((one) => !isSound(one)).map(({ name }) => name);
    const again = await this.#findings(publisher, await stillPublished(publisher.view, doubtful));
    const second = new Map(again.map((one) => [one.name, one]));
    return first.flatMap((one) => (isSound(one) ? [one] : (second.get(one.name) ?? [])));
  }

  async #findings(
    publisher: RepositoryPublisher,
    names: readonly string[],
    onImage: (name: string) => void = () => undefined,
  ): Promise<ImageFindings[]> {
    const { isDeep, referenceOf } = this.#context;
    const found: ImageFindings[] = [];
    for await (const one of verifyImages(publisher, names, { isDeep, referenceOf })) {
      onImage(one.name);
      found.push(one);
    }
    return found;
  }

  async #repair(broken: readonly ImageFindings[]): Promise<ReadonlyMap<string, Repaired>> {
    const { isRepairing, referenceOf } = this.#context;
    if (!isRepairing || broken.length === 0) return new Map();
    return await this.#using(true, async (publisher) => {
      const names = broken.map(({ name }) => name);
      const doubtful = broken.filter(leadsElsewhere).map(({ name }) => name);
      const refused = await republish(publisher, doubtful, referenceOf);
      const left = doubtful.length === 0 ? broken : await this.#findings(publisher, names);
      const failures = await repairImages(
        publisher,
        left.filter((one) => !isSound(one)),
        { referenceOf },
      );
      const lost = [...failures].flatMap(([name, { code }]) => (code === 'manifest-invalid' ? [name] : []));
      const unavailable = await republish(publisher, lost, referenceOf);
      const after = await this.#findings(publisher, names);
      const failureOf = (name: string): Failure | undefined =>
        unavailable.get(name) ?? failures.get(name) ?? refused.get(name);
      return new Map(
        after.map((findings) => {
          const { name } = findings;
          return [name, { findings, failure: isSound(findings) ? undefined : failureOf(name) }];
        }),
      );
    });
  }

  async #record(found: ImageFindings, repaired: Repaired | undefined): Promise<VerifiedImage> {
    const { records, nowMs, isDeep } = this.#context;
    const { name, more, unknown } = found;
    const known = await records.add({ name, isDeep, damages: this.#damagesOf(found) });
    const sinceMs = new Map(known?.damages.map((damage) => [damageKey(damage), damage.sinceMs]));
    if (repaired !== undefined)
      await records.add({ name, isDeep, damages: this.#damagesOf(repaired.findings) });
    return {
      name,
      more,
      unknown,
      findings: found.findings.map((one) => ({ ...one, sinceMs: sinceMs.get(damageKey(one)) ?? nowMs() })),
      isRepaired: repaired !== undefined && isSound(repaired.findings),
      failure: repaired?.failure,
    };
  }

  #damagesOf({ findings }: ImageFindings): Damage[] {
    const { isDeep } = this.#context;
    return findings.map((finding) => {
      const { kind, path } = finding;
      return { kind, path, message: differenceText(finding), isOfContent: isDeep && kind === 'content' };
    });
  }

  async #using<T>(needsSpool: boolean, work: (publisher: RepositoryPublisher) => Promise<T>): Promise<T> {
    const { pool, repository } = this.#context;
    return needsSpool ? await pool.use(repository, work) : await pool.useWithoutSpool(repository, work);
  }
}

interface Repaired {
  readonly findings: ImageFindings;
  readonly failure: Failure | undefined;
}

async function stillPublished(view: RepositoryView, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const published = new Set(await namesToVerify(view));
  return names.filter((name) => published.has(name));
}

/** Such as `size: expected 12, found 13`. */
export function differenceText({
  kind,
  expected,
  found,
}: Pick<Finding, 'kind' | 'expected' | 'found'>): string {
  return `${kind}: expected ${expected}, found ${found}`;
}

function* slices<Item>(items: readonly Item[], most: number): Generator<Item[]> {
  for (let at = 0; at < items.length; at += most) yield items.slice(at, at + most);
}
