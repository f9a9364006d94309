import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { lstatSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatReference, parseReference, type ImageReference } from '../../../core/oci/reference.ts';
import { layerPath } from '../../../publisher/image/layout.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { pseudoRandom } from '../../support/e2e/pseudo-random.ts';
import { image } from '../../support/images/image.ts';
import { directory, file } from '../../support/images/layer-entry.ts';
import { layer, type Layer } from '../../support/images/layer.ts';
import { PublishingBench } from '../../support/registry/publishing-bench.ts';
import { PLACES, type Place } from '../removal/names-bench.ts';
import { NAME } from '../repository/cvmfs/scene.ts';

const TIMES = Number(process.env['TEST_DAMAGES'] ?? 10);
/** A repository has so many batches: the double of cvmfs_server copies all that it has each time. */
const BATCHES = 5;
const FILES = 5;
const FILE_BYTES = 5_000;
/** A batch, and which of its images has a blob that changes. */
const NAMES = ['a', 'b', 'c'];
const CHANGED = 1;

for (const where of ['a directory', 'cvmfs_server 2.12'] as const) {
  const make = PLACES[where];
  describe(`publisher/pipeline/changed-blobs: a blob that changes after it was checked, in ${where}`, () => {
    let place: Place;
    let registry: TestRegistry;
    let bench: PublishingBench;
    /** Done when the next publication begins. */
    let onPublication: (() => void) | undefined;
    /** Of what the batch brings. */
    let paths: string[] = [];
    /** Publications that failed, and what was visible of the batch then. */
    let failed: string[] = [];

    before(async () => (registry = await TestRegistry.start()));
    after(async () => await registry.close());

    async function open(): Promise<void> {
      place = await make();
      // What is written aside while it is checked is not read again.
      place.backend.filesAside = async () => await Promise.resolve(undefined);
      bench = await PublishingBench.make({
        place: { backend: place.backend, name: NAME, path: '' },
        batchAgeMs: 60_000,
        onEvent: (event) => {
          if (event.type === 'publication-started') {
            onPublication?.();
            onPublication = undefined;
          } else if (event.type === 'publication-finished' && event.error !== undefined) {
            failed.push(`${event.code}: ${paths.some(isVisible) ? 'something' : 'nothing'} is visible`);
          }
        },
      });
    }

    /** What became of them, in any order. */
    async function publish(references: readonly ImageReference[]): Promise<Map<string, string>> {
      bench.ended.length = 0;
      await bench.publish(references);
      return new Map(bench.ended.map((line) => line.split(' ') as [string, string]));
    }

    const isVisible = (path: string): boolean =>
      lstatSync(join(place.folder(), path), { throwIfNoEntry: false }) !== undefined;

    it('shows nothing of the batch, and publishes all of it when the blob has come again', async () => {
      const seed = Number(process.env['UNPACKD_TEST_SEED'] ?? randomInt(2 ** 31));
      const next = pseudoRandom(seed);
      const random = (limit: number): number => Math.floor(next() * limit);
      for (let time = 0; time < TIMES; time++) {
        if (time % BATCHES === 0) await open();
        const contents = Array.from({ length: FILES }, () => randomBytes(FILE_BYTES));
        const layers: Layer[] = [];
        const references: ImageReference[] = [];
        for (const name of NAMES) {
          const files = contents.map((content, at) => file(`d/${name}${at}`, content));
          const made = await layer([directory('d'), ...files]);
          layers.push(made);
          // Of a repository of its own: what has siblings is written aside too.
          references.push(parseReference(registry.add(`lab/${name}${time}`, '1', image({ layers: [made] }))));
        }
        paths = [
          ...references.flatMap((one) => [formatReference(one), `.metadata/${formatReference(one)}`]),
          ...layers.map((one) => layerPath(one.digest)),
        ];
        const { digest } = layers[CHANGED] ?? assert.fail();
        const blob = bench.spool.pathOf(digest);
        const what = `${time} with UNPACKD_TEST_SEED=${seed}`;
        onPublication = () => damage(blob, random);
        failed = [];
        const outcomes = await publish(references);
        assert.equal(onPublication, undefined, what);
        assert.equal(failed.length, 1, what);
        assert.match(failed[0] ?? '', /^(?:digest-mismatch|layer-corrupt): nothing is visible$/, what);
        for (const [at, reference] of references.entries()) {
          const publicName = formatReference(reference);
          assert.equal(outcomes.get(publicName), 'published', what);
          for (const [index, content] of contents.entries()) {
            const path = join(place.folder(), publicName, `d/${NAMES[at]}${index}`);
            assert.ok(readFileSync(path).equals(content), `${path} ${what}`);
          }
        }
        assert.deepEqual(place.problems(), [], what);
        if (time % BATCHES === BATCHES - 1 || time === TIMES - 1) await bench.close();
      }
    });
  });
}

/** Changes one byte of the file at `path`, or cuts it off there. */
function damage(path: string, random: (limit: number) => number): void {
  const bytes = readFileSync(path);
  const at = random(bytes.length);
  if (random(3) === 0) {
    truncateSync(path, at);
    return;
  }
  bytes[at] = (bytes[at] ?? 0) ^ (1 + random(255));
  writeFileSync(path, bytes);
}
