import assert from 'node:assert/strict';
import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadyImage } from '../../../publisher/image/image.ts';
import { layerRoot, recordPath } from '../../../publisher/image/layout.ts';
import { hexOf } from '../../../core/oci/digest.ts';
import type { Backend } from '../../../publisher/publication/backend.ts';
import { CvmfsBackend } from '../../../publisher/repository/cvmfs/backend.ts';
import { DirectoryBackend } from '../../../publisher/repository/directory/backend.ts';
import { createCvmfsFixture } from '../../support/cvmfs-server/fixture.ts';
import { getAttribute, listAttributes } from '../../support/cvmfs-server/system.ts';
import { file, hardLink, type LayerEntry } from '../../support/images/layer-entry.ts';
import { needsRoot } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { differences, snapshot, type Snapshot } from '../../support/trees/snapshot.ts';
import { fileEntry as published, publication, uninterrupted } from '../repository/entries.ts';
import { randomOf } from '../tree/random-stacks.ts';
import { publishInto, type Place } from './publish-into.ts';
import { areMergeable, imagesOf, OUTPUTS, randomTwoBases, type TwoBases } from './two-bases.ts';
import { Workshop } from './workshop.ts';

const NAME = 'images.unpackd.test';
const SHARED: readonly (readonly LayerEntry[])[] = [
  [hardLink('bin/bash', 'bin/sh'), file('bin/own', 'x'), hardLink('bin/more', 'bin/own')],
];

/** Of random layers that can be merged upon both bases. */
const SEEDS = Array.from({ length: 200 }, (_, seed) => seed)
  .filter((seed) => areMergeable(twoBases(seed)))
  .slice(0, 4);

/** Random layers beside what a stranger would use. */
function twoBases(seed: number): TwoBases {
  const { bases, shared } = randomTwoBases(randomOf(seed));
  const base = (content: string, mode: number): LayerEntry[] => [
    file('bin/sh', content, {
      mode,
      uid: mode & 7,
      mtime: 1_000_000_000 + mode,
      xattrs: { 'user.base': content },
    }),
  ];
  return {
    bases: [
      [base('good', 0o755), ...bases[0]],
      [base('bad', 0o4711), ...bases[1]],
    ],
    shared: [...SHARED, ...shared],
  };
}

/** A repository of its own, and where it is seen. */
interface Made {
  readonly backend: Backend;
  readonly view: string;
  readonly close: () => Promise<void>;
}

const BACKENDS: Readonly<Record<string, () => Promise<Made>>> = {
  directory: async () => {
    const root = await temporaryDirectory('two-bases');
    const backend = new DirectoryBackend({ root, waitMs: 0, allowPrivileged: true });
    return { backend, view: join(root, NAME), close: async () => undefined };
  },
  cvmfs: async () => {
    const fixture = await createCvmfsFixture();
    await fixture.repository(NAME, { xattrs: true });
    const { command, root, spool, config } = fixture;
    const installation = { command, root, spool, configuration: join(config, '..') };
    const backend = new CvmfsBackend({ installation, waitMs: 0, idleLimitMs: 60_000 });
    return { backend, view: fixture.view(NAME), close: async () => await fixture.close() };
  },
};

for (const [kind, make] of Object.entries(BACKENDS)) {
  describe(`publisher/compose/two-bases-published: what is published of layers over two bases, backend ${kind}`, () => {
    // The double starts programs for each publication.
    for (const seed of kind === 'cvmfs' ? SEEDS.slice(0, 1) : SEEDS) {
      it(`is the same whichever image comes first: seed ${seed}`, async function () {
        needsRoot(this);
        const workshop = await Workshop.open();
        const images = await imagesOf(twoBases(seed), workshop);
        const orders = [images, images.toReversed()];
        const [one, other] = await Promise.all(
          orders.map(async (order) => await publishedBy(make, workshop, order)),
        );
        assert.ok(one !== undefined && other !== undefined);
        assert.deepEqual(differences(other, one), []);
        assert.ok([...one.keys()].some((path) => path.endsWith('/layerfs/bin/own')));
        assert.deepEqual(
          [...one.keys()].filter((path) => path.endsWith('/layerfs/bin/bash')),
          [],
        );
        const flat = [...one].filter(([path]) => /^\.flat\/..\/[^/]+\/bin\/bash$/.test(path));
        const sizes = flat.map(([, line]) => line.split(' ')[3] ?? '').sort();
        assert.deepEqual(
          sizes,
          ['bad', 'good'].map((text) => `${text.length}`),
        );
      });
    }

    it('is mended where an earlier version published a layer with a stranger’s file', async () => {
      const workshop = await Workshop.open();
      const [good, bad] = await imagesOf({ ...twoBases(SEEDS[0] ?? 0), shared: SHARED }, workshop);
      assert.ok(good !== undefined && bad !== undefined);
      const { backend, view, close } = await make();
      try {
        const place = placeOf(backend, workshop);
        assert.deepEqual(await publishInto(place, [bad]), ['published']);
        const { digest } = good.manifest.layers.at(-1) ?? assert.fail();
        const stale = `${layerRoot(digest)}/bin/bash`;
        const record = recordPath('layers', hexOf(digest));
        const before = publication([published(stale, 'bad')], { names: [published(record, '1\n')] });
        const repository = await backend.open(NAME, { notice: () => undefined, ...uninterrupted() });
        await repository.publish(before, uninterrupted());
        await repository.release();
        assert.equal(readFileSync(join(view, stale), 'utf8'), 'bad');
        assert.deepEqual(await publishInto(place, [good]), ['published']);
        assert.deepEqual(readdirSync(join(view, layerRoot(digest), 'bin')).sort(), ['more', 'own']);
        assert.equal(readFileSync(join(view, record), 'utf8'), '2\n');
        for (const [image, text] of [
          [good, 'good'],
          [bad, 'bad'],
        ] as const)
          assert.equal(readFileSync(join(view, image.publicName, 'bin/bash'), 'utf8'), text);
      } finally {
        await close();
      }
    });
  });
}

function placeOf(backend: Backend, { listings }: Workshop): Place {
  return { backend, name: NAME, listings, outputs: OUTPUTS, say: () => undefined };
}

/** Everything in trees that are published one image after the other, with attributes, and which names are one file. */
async function publishedBy(
  make: () => Promise<Made>,
  workshop: Workshop,
  images: readonly ReadyImage[],
): Promise<Snapshot> {
  const { backend, view, close } = await make();
  try {
    const place = placeOf(backend, workshop);
    for (const image of images) await publishInto(place, [image]);
    const ignore = (path: string): boolean => !OF_TREES.test(path) || BESIDE.test(path);
    const found = await snapshot(view, { ignore, directoryTimes: true });
    const files = new Map<number, string>();
    for (const path of [...found.keys()].sort()) {
      const at = Buffer.from(`${view}/${path}`, 'latin1');
      const stats = lstatSync(at);
      if (!stats.isFile() && !stats.isDirectory()) continue;
      const values = listAttributes(at).map((name) => `${name}=${getAttribute(at, name).toString('latin1')}`);
      const first = files.get(stats.ino) ?? path;
      files.set(stats.ino, first);
      found.set(path, `${found.get(path)} ${first} ${values.sort().join(' ')}`);
    }
    // Folders above trees are as old as the publication that brought them.
    return new Map([...found].filter(([path]) => IN_TREE.test(path)));
  } finally {
    await close();
  }
}

const OF_TREES = /^(?:\.layers|\.flat|\.chains|podmanStore)(?:\/|$)/;
const BESIDE = /^\.layers\/..\/[^/]+\/\.metadata$/;
const IN_TREE = /^\.(?:layers\/..\/[^/]+\/layerfs|(?:flat|chains)\/..\/[^/]+)(?:\/|$)/;
