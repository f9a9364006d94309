import assert from 'node:assert/strict';
import { flatId, flatPath, layerRoot } from '../../../publisher/image/layout.ts';
import { directory, file, hardLink, opaque, symlink, whiteout } from '../../support/images/layer-entry.ts';
import { landmark, stargzIndex } from '../../support/images/lazy-layers.ts';
import { layer } from '../../support/images/layer.ts';
import { needs } from '../../support/programs.ts';
import { randomOf } from '../tree/random-stacks.ts';
import {
  OUTPUTS,
  areMergeable,
  assertSameInAnyOrder,
  imagesOf,
  randomTwoBases,
  type TwoBases,
} from './two-bases.ts';
import { MemoryRepository } from './memory-repository.ts';
import { Workshop } from './workshop.ts';

/** A base, and what somebody made of it who wants to be the first with the layers upon it. */
const CASES: readonly (readonly [what: string, two: TwoBases])[] = [
  [
    'a hard link to a lower layer',
    {
      bases: [
        [
          [
            directory('bin', { mode: 0o700 }),
            file('bin/sh', 'good', { mtime: 1, xattrs: { 'user.a': 'b' } }),
          ],
        ],
        [[directory('bin', { uid: 5 }), file('bin/sh', 'bad', { mode: 0o4755 })]],
      ],
      shared: [[hardLink('bin/bash', 'bin/sh')], [hardLink('usr/bash', 'bin/bash')]],
    },
  ],
  [
    'a hard link to what is no file in one of them',
    {
      bases: [[[file('a', 'x')]], [[symlink('a', '/etc/shadow')]]],
      shared: [[hardLink('b', 'a')]],
    },
  ],
  [
    'a hard link in the place of something',
    {
      bases: [[[file('a', 'x'), file('b', 'y')]], [[file('a', 'bad'), directory('b'), file('b/c', 'z')]]],
      shared: [[whiteout('b'), hardLink('b', 'a')]],
    },
  ],
  [
    'folders that the layer does not describe',
    {
      bases: [[[directory('a', { mode: 0o700, uid: 7, mtime: 5 })]], [[symlink('a', 'c'), directory('c')]]],
      shared: [
        [file('a/x', '1'), whiteout('a/y')],
        [opaque('a'), hardLink('a/z', 'c/x')],
      ],
    },
  ],
  [
    'a base, and the same with more upon it',
    {
      bases: [[[file('a', 'x')]], [[file('a', 'x')], [file('b', 'bad')]]],
      shared: [[hardLink('c', 'a')]],
    },
  ],
  [
    'a base of which the other has a part',
    {
      bases: [[[file('a', 'x')], [file('b', 'y')]], [[file('b', 'y')]]],
      shared: [[hardLink('c', 'b')]],
    },
  ],
];

describe('publisher/compose/two-bases', () => {
  for (const [what, two] of CASES) {
    it(`is the same whichever image comes first: ${what}`, async () => {
      const workshop = await Workshop.open();
      await assertSameInAnyOrder(await imagesOf(two, workshop), workshop);
    });
  }

  it('is the same whatever manifests say of their layers beside their digests', async () => {
    const workshop = await Workshop.open();
    const shared = [file('a', 'x')];
    const [honest, other] = await imagesOf(
      { bases: [[shared], [shared]], shared: [[file('b', 'y')]] },
      workshop,
    );
    assert.ok(honest !== undefined && other !== undefined);
    const layers = other.manifest.layers.map((layer) => ({
      ...layer,
      mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd',
      sizeBytes: 1,
    }));
    await assertSameInAnyOrder([honest, { ...other, manifest: { ...other.manifest, layers } }], workshop);
  });

  it('is the same however the archives are packed that a config names', async function () {
    needs(this, 'zstd');
    const workshop = await Workshop.open();
    const entries = [
      file('a', 'x'),
      landmark('.prefetch.landmark'),
      hardLink('b', 'a'),
      file('c', 'z'),
      stargzIndex(),
    ];
    const above = await workshop.layer(hardLink('d', 'a'));
    const flats = new Set<string>();
    const trees = new Set<string>();
    for (const compression of ['plain', 'gzip', 'zstd'] as const) {
      const packed = await layer(entries, { compression });
      const name = `reg.example/${compression}:1`;
      const { manifest, ...image } = await workshop.image(name, [packed, above]);
      const place = workshop.over(new MemoryRepository());
      await place.publish([{ manifest, ...image }], { outputs: OUTPUTS });
      flats.add(
        [manifest.config.digest, ...place.repository.linesBelow(flatPath(flatId(manifest)))].join('\n'),
      );
      trees.add(place.repository.linesBelow(layerRoot(packed.digest)).join('\n'));
    }
    assert.equal(flats.size, 1);
    assert.deepEqual([...trees], ['a = x\nb = x\nc = z']);
  });

  const seed = Number(process.env['UNPACKD_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

  it(`is the same whichever image comes first: random layers (UNPACKD_TEST_SEED=${seed})`, async () => {
    for (let number = 0, both = 0; both < 6; number++) {
      const workshop = await Workshop.open();
      const two = randomTwoBases(randomOf(seed + number));
      if (areMergeable(two)) both++;
      await assertSameInAnyOrder(await imagesOf(two, workshop), workshop);
    }
  });
});
