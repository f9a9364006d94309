import { directory, file, hardLink, opaque, symlink, whiteout } from '../../support/images/layer-entry.ts';
import { randomOf } from '../tree/random-stacks.ts';
import { areMergeable, assertSameInAnyOrder, imagesOf, randomTwoBases, type TwoBases } from './two-bases.ts';
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

describe('what is published of layers over two bases', () => {
  for (const [what, two] of CASES) {
    it(`is the same whichever image comes first: ${what}`, async () => {
      const workshop = await Workshop.open();
      await assertSameInAnyOrder(await imagesOf(two, workshop), workshop);
    });
  }

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
