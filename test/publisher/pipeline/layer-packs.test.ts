import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatReference, parseReference, type ImageReference } from '../../../core/oci/reference.ts';
import { layerRoot } from '../../../publisher/image/layout.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { image } from '../../support/images/image.ts';
import { directory, file } from '../../support/images/layer-entry.ts';
import { layer, type Layer } from '../../support/images/layer.ts';
import { describeWith } from '../../support/programs.ts';
import { PublishingBench } from '../../support/registry/publishing-bench.ts';
import { unnamedFiles } from '../layer/open-files.ts';
import { PLACES, type Place } from '../removal/names-bench.ts';
import { NAME } from '../repository/cvmfs/scene.ts';

/** What all nights have, so much that their layers are worth a pack. */
const SAME = randomBytes(100_000);

for (const where of ['a directory', 'cvmfs_server 2.12'] as const) {
  const make = PLACES[where];
  // The double of cvmfs_server keeps owners as root alone, and what has another owner is not shared.
  const needed = where === 'a directory' ? [] : (['root'] as const);
  describeWith(needed, `publisher/pipeline/layer-packs: an image, in ${where}`, () => {
    let place: Place;
    let registry: TestRegistry;
    let bench: PublishingBench;
    let first: Layer;
    /** Done when the next publication begins. */
    let onPublication: (() => void) | undefined;
    /** Of each publication; `undefined`: none. */
    let errors: (string | undefined)[] = [];

    before(async () => (registry = await TestRegistry.start()));
    after(async () => await registry.close());
    beforeEach(async () => {
      errors = [];
      place = await make();
      bench = await PublishingBench.make({
        place: { backend: place.backend, name: NAME, path: '' },
        onEvent: (event) => {
          if (event.type === 'publication-finished') errors.push(event.error);
          if (event.type !== 'publication-started') return;
          onPublication?.();
          onPublication = undefined;
        },
      });
      first = await night('first');
      await publish(push('1', first));
    });
    afterEach(async () => await bench.close());

    async function night(content: string): Promise<Layer> {
      return await layer([directory('d'), file('d/same', SAME), file('d/night', content), file('d/none')]);
    }

    function push(tag: string, ...layers: readonly Layer[]): ImageReference {
      return parseReference(registry.add('lab/nightly', tag, image({ layers })));
    }

    async function publish(reference: ImageReference): Promise<string | undefined> {
      bench.ended.length = 0;
      await bench.publish([reference]);
      assert.deepEqual(packs(), []);
      return bench.ended[0]?.split(' ').at(-1);
    }

    /** What there is of packs: folders beside the repository, or files without names in the spool. */
    function packs(): readonly string[] {
      if (where !== 'a directory') return unnamedFiles(bench.spool.directory);
      return readdirSync(control()).filter((name) => name.startsWith('aside-'));
    }

    function control(): string {
      return join(dirname(place.folder()), `.unpackd-${NAME}`);
    }

    function assertNight(reference: ImageReference, content: string): void {
      const text = (name: string): Buffer =>
        readFileSync(join(place.folder(), formatReference(reference), 'd', name));
      assert.equal(text('night').toString(), content);
      assert.ok(text('same').equals(SAME));
      assert.equal(text('none').length, 0);
      assert.deepEqual(place.problems(), []);
    }

    it('is published, when it was rebuilt, without its blob being read again', async () => {
      const second = await night('second');
      const blob = bench.spool.pathOf(second.digest);
      onPublication = () => {
        assert.equal(packs().length, 1);
        writeFileSync(blob, 'no layer');
      };
      const reference = push('2', second);
      assert.equal(await publish(reference), 'published');
      assertNight(reference, 'second');
      assert.deepEqual(errors, [undefined, undefined]);
      assert.ok(!existsSync(blob));
    });

    // The double of cvmfs_server has what is published elsewhere.
    if (where === 'a directory') {
      it('is published as a new one too without its blob being read again', async () => {
        const other = await layer([file('f', 'other')]);
        const blob = bench.spool.pathOf(other.digest);
        onPublication = () => {
          assert.equal(packs().length, 1);
          writeFileSync(blob, 'no layer');
        };
        const reference = parseReference(registry.add('lab/other', '1', image({ layers: [other] })));
        assert.equal(await publish(reference), 'published');
        assert.equal(readFileSync(join(place.folder(), formatReference(reference), 'f'), 'utf8'), 'other');
      });

      it('is published from its blob where what was written aside is gone', async () => {
        const second = await night('second');
        onPublication = () => {
          for (const name of packs()) rmSync(join(control(), name), { recursive: true });
        };
        const reference = push('2', second);
        assert.equal(await publish(reference), 'published');
        assertNight(reference, 'second');
        assert.match(errors[1] ?? '', /^a file that was written aside cannot be read: ENOENT/);
        assert.equal(errors.length, 3);
      });

      it('gives up its pack where the publication needs its room', async () => {
        const second = await night('second');
        const room = place.backend.room.bind(place.backend);
        let refusals = 0;
        place.backend.room = (name) => {
          // When a pack begins, there is no file in it yet.
          if (!packs().some((pack) => existsSync(join(control(), pack, '0')))) return room(name);
          refusals++;
          return { ...room(name), bytes: 1 };
        };
        const reference = push('2', second);
        assert.equal(await publish(reference), 'published');
        assert.equal(refusals, 1);
        assertNight(reference, 'second');
      });

      it('is published from its blob where a file that was expected is not as it was', async () => {
        chmodSync(join(place.folder(), layerRoot(first.digest), 'd/same'), 0o600);
        const reference = push('2', await night('second'));
        assert.equal(await publish(reference), 'published');
        assertNight(reference, 'second');
      });
    }

    it('leaves nothing open where the image fails', async () => {
      const second = await night('second');
      const refused = await layer([file('f', 'f', { pax: { uid: `${2 ** 32}` } })]);
      assert.equal(await publish(push('2', second, refused)), 'layer-refused');
      assert.equal(await publish(push('3', second)), 'published');
    });

    it('brings all of a layer that is to be written again', async () => {
      const reference = push('2', first);
      assert.equal(await publish(reference), 'published');
      assertNight(reference, 'first');
    });
  });
}
