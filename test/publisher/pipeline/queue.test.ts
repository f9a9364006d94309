import assert from 'node:assert/strict';
import type { Candidate } from '../../../publisher/pipeline/resolve.ts';
import type { ImageResult } from '../../../publisher/image/events.ts';
import type { ReadyImage, ResolvedImage } from '../../../publisher/image/image.ts';
import type { BatchReport } from '../../../publisher/pipeline/publish-batch.ts';
import { PublishingQueue, type QueueParts } from '../../../publisher/pipeline/queue.ts';
import { SpoolBudget } from '../../../publisher/spool/budget.ts';
import { Failure, isFailure } from '../../../core/failure.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { LINUX_AMD64 } from '../../../core/oci/platform.ts';
import { digestOf } from '../../support/registry/image.ts';

const DONE = { outcome: 'published' } as ImageResult;
const MANY = { bytes: 1000, images: 100, ageMs: 60_000 };

/** `a10`: brings a layer of 10 bytes, in the group `a`, from the registry `a.example`. */
function candidate(name: string): Candidate {
  const reference = parseReference(`${name.slice(0, 1)}.example/lab/${name}:1`);
  const layer = { digest: digestOf(Buffer.from(name)), sizeBytes: Number(name.slice(1)), mediaType: '' };
  const resolved = {
    publicName: name,
    reference,
    platform: LINUX_AMD64,
    manifest: { layers: [layer] },
  } as unknown as ResolvedImage;
  const wanted = { reference, publicName: name, outputs: undefined, platforms: undefined, isNamed: true };
  return { part: { wanted, platform: LINUX_AMD64 }, resolved, missing: [layer] };
}

/** A queue whose work the test does by hand. */
class Bench {
  readonly queue: PublishingQueue;
  readonly batches: string[] = [];
  readonly results: string[] = [];
  readonly kept: string[] = [];
  /** What the release of blobs fails for, by their digest. */
  readonly releaseErrors = new Map<string, Error>();
  releases = 0;
  /** What the disk of the spool has; by default nobody can say. */
  readonly disk: { freeBytes: number | undefined; evictableBytes: number } = {
    freeBytes: undefined,
    evictableBytes: 0,
  };
  readonly madeRoom: number[] = [];
  isStateUsable = false;
  /** Images for which mistakes were told of. */
  readonly bugs: string[] = [];
  readonly stop = new AbortController();
  readonly #preparing = new Map<
    string,
    { resolve: (image: ReadyImage) => void; reject: (error: unknown) => void }
  >();
  #publish: (batch: string) => Promise<void> = async () => {};

  constructor(rule = MANY, limitBytes = 1_000_000) {
    const { disk, madeRoom } = this;
    const parts: QueueParts = {
      spool: {
        directory: '/spool',
        get freeBytes() {
          return disk.freeBytes;
        },
        get evictableBytes() {
          return disk.evictableBytes;
        },
        lackingBytes: (layers) => layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        makeRoom: async (bytes) => void madeRoom.push(bytes),
        hold: (digests) => ({
          release: async (isDone) => {
            this.releases++;
            if (!isDone) this.kept.push(...digests);
            else for (const error of digests.flatMap((one) => this.releaseErrors.get(one) ?? [])) throw error;
          },
        }),
      },
      budget: new SpoolBudget(limitBytes),
      prepare: async ({ resolved: image }, signal) =>
        await new Promise<ReadyImage>((resolve, reject) => {
          this.#preparing.set(image.publicName, { resolve, reject });
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
      publish: async (batch): Promise<BatchReport> => {
        const name = batch.map(({ image }) => image.publicName).join(' ');
        this.batches.push(name);
        await this.#publish(name);
        const results = new Map(batch.map((one) => [one, DONE]));
        return { results, publications: 1, stopped: undefined };
      },
      isStateUsable: async () => this.isStateUsable,
      observe: (event) => void (event.type === 'bug' && this.bugs.push(event.image)),
      signal: this.stop.signal,
    };
    this.queue = new PublishingQueue(parts, rule);
  }

  get preparing(): string[] {
    return [...this.#preparing.keys()];
  }

  onPublish(work: (batch: string) => Promise<void>): void {
    this.#publish = work;
  }

  async add(...names: readonly string[]): Promise<void> {
    await this.queue.add(
      names.map(candidate),
      ({ resolved }, result) =>
        void this.results.push(
          `${resolved.publicName} ${result.outcome === 'failed' ? result.code : result.outcome}`,
        ),
      ({ resolved }) => resolved.publicName.slice(0, 1),
    );
  }

  /** @param documentBytes of its documents */
  async ready(name: string, documentBytes = 0): Promise<void> {
    const [manifest, config] = [{ bytes: { length: documentBytes } }, { bytes: { length: 0 } }];
    this.#preparing.get(name)?.resolve({ publicName: name, manifest, config } as ReadyImage);
    await this.#settled(name);
  }

  async fail(name: string, error: unknown): Promise<void> {
    this.#preparing.get(name)?.reject(error);
    await this.#settled(name);
  }

  async #settled(name: string): Promise<void> {
    this.#preparing.delete(name);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('publisher/pipeline/queue', () => {
  it('publishes together what is ready when nothing more is coming', async () => {
    const bench = new Bench();
    const all = bench.add('a1', 'a2', 'b1');
    assert.deepEqual(bench.preparing, ['a1', 'b1', 'a2']);
    await bench.ready('a1');
    await bench.ready('b1');
    assert.deepEqual(bench.batches, []);
    assert.deepEqual(bench.queue.state.ready.length, 2);
    await bench.ready('a2');
    await all;
    assert.deepEqual(bench.batches, ['a1 b1 a2']);
    assert.deepEqual(bench.results, ['a1 published', 'b1 published', 'a2 published']);
  });

  it('does not let an image wait longer than the rule says', async () => {
    const bench = new Bench({ ...MANY, ageMs: 20 });
    const all = bench.add('a1', 'b1');
    await bench.ready('a1');
    while (bench.batches.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(bench.preparing, ['b1']);
    await bench.ready('b1');
    await all;
    assert.deepEqual(bench.batches, ['a1', 'b1']);
  });

  it('goes on to prepare while it publishes', async () => {
    const bench = new Bench({ ...MANY, images: 1 });
    let release: () => void = () => undefined;
    bench.onPublish(async () => await new Promise<void>((resolve) => (release = resolve)));
    const all = bench.add('a1', 'b1');
    await bench.ready('a1');
    assert.deepEqual(bench.batches, ['a1']);
    await bench.ready('b1');
    assert.deepEqual(bench.queue.state.publishing.length, 1);
    bench.onPublish(async () => {});
    release();
    await all;
    assert.deepEqual(bench.batches, ['a1', 'b1']);
  });

  it('leaves the others alone where an image fails', async () => {
    const bench = new Bench();
    const all = bench.add('a1', 'b1');
    await bench.fail('a1', new Failure('layer-corrupt', 'no archive'));
    await bench.ready('b1');
    await all;
    assert.deepEqual(bench.results, ['a1 layer-corrupt', 'b1 published']);
    assert.deepEqual(bench.kept, [digestOf(Buffer.from('a1'))]);
  });

  it('fails one image alone for what cannot be stored of it, as long as anything can be stored', async () => {
    const bench = new Bench();
    bench.isStateUsable = true;
    const all = bench.add('a1', 'b1');
    await bench.fail('a1', new Failure('state-unusable', 'EIO'));
    await bench.ready('b1');
    await all;
    assert.deepEqual(bench.results, ['a1 image-unpublishable', 'b1 published']);
  });

  it('ends all for what nothing can be published with, and can be used again', async () => {
    const bench = new Bench();
    bench.onPublish(async () => await Promise.reject(new Failure('repository-busy', 'somebody else')));
    const all = bench.add('a1', 'b1');
    await bench.fail('a1', new Failure('state-unusable', 'read-only'));
    await assert.rejects(all, (error) => isFailure(error, 'state-unusable'));
    assert.deepEqual(bench.results.sort(), ['a1 state-unusable', 'b1 state-unusable']);
    const again = bench.add('c1');
    await bench.ready('c1');
    await assert.rejects(again, (error) => isFailure(error, 'repository-busy'));
    bench.onPublish(async () => {});
    const last = bench.add('c1');
    await bench.ready('c1');
    await last;
    assert.equal(bench.results.at(-1), 'c1 published');
  });

  it('keeps to what it published where blobs cannot be let go, and ends what is still to come', async () => {
    const bench = new Bench({ ...MANY, images: 3 });
    bench.releaseErrors.set(digestOf(Buffer.from('b1')), new Failure('state-unusable', 'read-only'));
    const all = bench.add('a1', 'b1', 'c1', 'd1');
    for (const name of ['a1', 'b1', 'c1']) await bench.ready(name);
    await assert.rejects(all, (error) => isFailure(error, 'state-unusable'));
    assert.deepEqual(bench.results, ['a1 published', 'b1 published', 'c1 published', 'd1 state-unusable']);
    assert.equal(bench.releases, 4);
    bench.releaseErrors.clear();
    const again = bench.add('b1');
    await bench.ready('b1');
    await again;
  });

  it('fails an image alone for a mistake, whenever it comes up', async () => {
    const bench = new Bench();
    bench.releaseErrors.set(digestOf(Buffer.from('b1')), new TypeError('a mistake'));
    const all = bench.add('a1', 'b1', 'c1');
    await bench.fail('a1', new TypeError('a mistake'));
    await bench.ready('b1');
    await bench.ready('c1');
    await all;
    assert.deepEqual(bench.results, ['a1 bug', 'b1 bug', 'c1 published']);
    assert.deepEqual(bench.bugs, ['a.example/lab/a1:1', 'b.example/lab/b1:1']);
    bench.onPublish(async () => await Promise.reject(new TypeError('a mistake')));
    const more = bench.add('d1');
    await bench.ready('d1');
    await more;
    assert.equal(bench.results.at(-1), 'd1 bug');
  });

  it('publishes nothing while it is paused', async () => {
    const bench = new Bench();
    bench.queue.pause(true);
    const all = bench.add('a1');
    await bench.ready('a1');
    assert.deepEqual(bench.batches, []);
    bench.queue.pause(false);
    await all;
    assert.deepEqual(bench.batches, ['a1']);
  });

  it('ends when it is stopped, also while it is paused', async () => {
    const bench = new Bench();
    bench.queue.pause(true);
    const all = bench.add('a1', 'b1');
    await bench.ready('a1');
    bench.stop.abort(new Failure('interrupted', 'stopped'));
    await assert.rejects(all, (error) => isFailure(error, 'interrupted'));
    assert.deepEqual(bench.results.sort(), ['a1 interrupted', 'b1 interrupted']);
    await assert.rejects(bench.add('c1'), (error) => isFailure(error, 'interrupted'));
    bench.queue.close();
  });

  it('fetches ahead as far as there is room, and a small image past a large one', async () => {
    const bench = new Bench(MANY, 80);
    const all = bench.add('a80', 'a70', 'b10', 'b9', 'c10', 'c10', 'd10');
    assert.deepEqual(bench.preparing, ['a80', 'b10', 'c10', 'd10', 'b9']);
    assert.deepEqual(
      bench.queue.state.waiting.map(({ resolved }) => resolved.publicName),
      ['a70', 'c10'],
    );
    for (const name of ['b10', 'b9', 'd10', 'c10', 'a80']) await bench.ready(name);
    while (bench.preparing.length === 0) await new Promise((resolve) => setImmediate(resolve));
    for (const name of bench.preparing) await bench.ready(name);
    while (bench.results.length < 7) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const name of bench.preparing) await bench.ready(name);
    }
    await all;
    assert.equal(bench.results.filter((result) => result.endsWith(' published')).length, 7);
  });

  it('leaves some to other registries where one has many images', async () => {
    const bench = new Bench();
    const slow = Array.from({ length: 20 }, (_, index) => `a${index + 1}`);
    void bench.add(...slow, 'b1', 'c1').catch(() => undefined);
    assert.deepEqual(bench.preparing.toSorted(), [...slow.slice(0, 8), 'b1', 'c1']);
    await bench.ready('b1');
    bench.stop.abort();
  });

  it('publishes images with large documents before it makes more ready', async () => {
    const bench = new Bench();
    const names = Array.from({ length: 20 }, (_, index) => `${'abcde'.charAt(index % 5)}${index + 1}`);
    const all = bench.add(...names);
    const begun = bench.preparing.length;
    let publish: () => void = () => undefined;
    bench.onPublish(async () => await new Promise<void>((resolve) => (publish = resolve)));
    for (const name of bench.preparing.slice(0, 4)) await bench.ready(name, 9_000_000);
    assert.equal(bench.batches.length, 1, 'those that are ready go at once');
    assert.equal(
      bench.preparing.length,
      begun + 3 - 4,
      'one that is ready makes no room once they are too many',
    );
    bench.stop.abort();
    publish();
    await all.catch(() => undefined);
  });

  describe('without room for all', () => {
    it('fails at once what the spool can never hold, with both sizes, and goes on', async () => {
      const bench = new Bench(MANY, 80);
      const all = bench.add('a81', 'b80');
      assert.deepEqual([bench.results, bench.preparing], [['a81 disk-full'], ['b80']]);
      await bench.ready('b80');
      await all;
      assert.deepEqual(bench.results, ['a81 disk-full', 'b80 published']);
    });

    it('fails before it fetches what the disk has no room for, and publishes what fits', async () => {
      const bench = new Bench();
      bench.disk.freeBytes = 100;
      const all = bench.add('a101', 'b60', 'c50', 'd40');
      assert.deepEqual(bench.preparing, ['b60', 'd40']);
      await bench.ready('b60');
      assert.equal(bench.results.length, 0);
      await bench.ready('d40');
      while (bench.preparing.length === 0) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(bench.preparing, ['c50'], 'what waited for room that others took');
      await bench.ready('c50');
      await all;
      assert.deepEqual(bench.results.sort(), [
        'a101 disk-full',
        'b60 published',
        'c50 published',
        'd40 published',
      ]);
    });

    it('counts what nobody holds as room, and lets it go', async () => {
      const bench = new Bench();
      [bench.disk.freeBytes, bench.disk.evictableBytes] = [10, 90];
      const all = bench.add('a100');
      await new Promise((resolve) => setImmediate(resolve));
      await bench.ready('a100');
      await all;
      assert.deepEqual(bench.madeRoom, [100]);
    });
  });
});
