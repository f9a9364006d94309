import assert from 'node:assert/strict';
import type { RepositoryCapabilities } from '../../../publisher/publication/capabilities.ts';
import { flatPath, layerRoot } from '../../../publisher/image/layout.ts';
import { device, directory, file, opaque, symlink, whiteout } from '../../support/images/layer-entry.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import { HOLDS_EVERYTHING, Workshop } from './workshop.ts';

const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

interface LossCase {
  readonly what: string;
  readonly stack: readonly (readonly LayerEntry[])[];
  readonly capabilities: Partial<RepositoryCapabilities>;
  readonly warnings: readonly string[];
}

const NO_XATTRS: Partial<RepositoryCapabilities> = {
  lostXattrs: (values) => [...values.keys()],
  xattrsReason: 'never',
};
const NO_OWNERS: Partial<RepositoryCapabilities> = { takesOwner: ({ uid }) => uid === 0 };

const PRIVILEGED = [
  directory('s', { mode: 0o2755 }),
  file('a', '', { mode: 0o4755 }),
  file('b', '', { mode: 0o2755 }),
  file('c', '', { xattrs: { 'security.capability': CAPABILITY } }),
  device('d', 'block-device', [8, 1]),
];
const LEFT_OUT = 'what gives rights on this machine is left out of';
const SEE =
  ', since everybody here could use it: see "Set-user-ID programs and devices" in docs/operators.md';

const CASES: readonly LossCase[] = [
  {
    what: 'nothing of what is held',
    stack: [[file('f', 'x', { uid: 7, xattrs: { 'user.x': '1' } }), device('n', 'block-device', [8, 1])]],
    capabilities: {},
    warnings: [],
  },
  {
    what: 'owners, by number and with examples',
    stack: [['a', 'b', 'c', 'd', 'e'].map((name) => file(name, '', { uid: 7 }))],
    capabilities: NO_OWNERS,
    warnings: [
      'the owners of 5 paths are not kept: this user cannot give files to them here (a, b, c, and 2 more)',
    ],
  },
  {
    what: 'owners of links and the root',
    stack: [[directory('./', { uid: 7 }), symlink('s', 'x', { uid: 8 })]],
    capabilities: NO_OWNERS,
    warnings: ['the owners of 2 paths are not kept: this user cannot give files to them here (/, s)'],
  },
  {
    what: 'nothing of what an upper layer replaces',
    stack: [
      [file('f', 'x', { uid: 7 }), file('g', 'x', { uid: 7 })],
      [file('f'), whiteout('g')],
    ],
    capabilities: NO_OWNERS,
    warnings: [],
  },
  {
    what: 'times beyond what files can have',
    stack: [
      [file('a', '', { mtime: -(2 ** 33) }), file('b', '', { mtime: 2 ** 35 }), file('c', '', { mtime: -5 })],
    ],
    capabilities: { earliestTime: -(2 ** 31), latestTime: 2 ** 34 },
    warnings: ['the times of 2 paths are not kept: they are beyond what files can have (a, b)'],
  },
  {
    what: 'devices, but no deletions',
    stack: [[device('n', 'character-device', [1, 3]), file('x')], [whiteout('x')]],
    capabilities: { takesDevices: false },
    warnings: ['1 device is left out: this user cannot make them here (n)'],
  },
  {
    what: 'what gives rights where everybody has them, each kind for itself',
    stack: [[...PRIVILEGED, file('e', '', { mode: 0o777 }), whiteout('gone')]],
    capabilities: { exposes: { setId: true, devices: false } },
    warnings: [`${LEFT_OUT} 3 paths${SEE} (a: set-ID bits, b: set-ID bits, c: capabilities)`],
  },
  {
    what: 'devices where everybody could use them',
    stack: [PRIVILEGED],
    capabilities: { exposes: { setId: false, devices: true } },
    warnings: [`${LEFT_OUT} 1 path${SEE} (d: device)`],
  },
  {
    what: 'devices that cannot be made only once',
    stack: [PRIVILEGED],
    capabilities: { takesDevices: false, exposes: { setId: false, devices: true } },
    warnings: ['1 device is left out: this user cannot make them here (d)'],
  },
  {
    what: 'attributes, with their names',
    stack: [[file('ping', '', { xattrs: { 'security.capability': CAPABILITY, 'user.x': '1' } })]],
    capabilities: NO_XATTRS,
    warnings: ['extended attributes of 1 path are lost: never (ping: security.capability user.x)'],
  },
  {
    what: 'marks of opaque directories',
    stack: [
      [directory('d'), file('d/a')],
      [directory('d'), opaque('d')],
    ],
    capabilities: NO_XATTRS,
    warnings: ['extended attributes of 1 path are lost: never (d: opaque in .layers)'],
  },
  {
    what: 'attributes that are never published',
    stack: [
      [
        file('f', '', { xattrs: { 'trusted.overlay.redirect': '/etc', 'user.kept': '1' } }),
        file('g', '', { xattrs: { 'system.posix_acl_access': 'x' } }),
        file('h', '', { xattrs: { 'security.capability': 'xx' } }),
      ],
    ],
    capabilities: {},
    warnings: [
      'extended attributes of 3 paths are not published: overlay file systems would act on them, or only the kernel that set them understands them (f: trusted.overlay.redirect, g: system.posix_acl_access, h: security.capability)',
    ],
  },
  {
    what: 'no labels of the machine that built it',
    stack: [
      [file('f', '', { xattrs: { 'security.selinux': 'x', 'security.ima': 'x', 'security.evm': 'x' } })],
    ],
    capabilities: {},
    warnings: [],
  },
  {
    what: 'what CernVM-FS would act on, with control characters escaped',
    stack: [[file('d/.cvmfscatalog'), file('.cvmfsgraft-\n')]],
    capabilities: {},
    warnings: ['2 paths left out, since CernVM-FS would act on them (d/.cvmfscatalog, .cvmfsgraft-\\n)'],
  },
  {
    what: 'folders that a layer does not describe',
    stack: [
      [directory('tmp', { mode: 0o1777 }), directory('opt', { uid: 7 }), directory('usr')],
      [file('tmp/x'), file('opt/x'), file('usr/x')],
    ],
    capabilities: {},
    warnings: [
      'overlay mounts of .layers (podman, containerd) show 2 paths other than the image has them (tmp, opt)',
    ],
  },
];

describe('publisher/compose/losses', () => {
  for (const { what, stack, capabilities, warnings } of CASES) {
    it(`tells ${what}`, async () => {
      const { image, workshop } = await imageOf(stack);
      const composed = await workshop.publish([image], {
        capabilities: { ...HOLDS_EVERYTHING, ...capabilities },
      });
      assert.deepEqual(composed.warnings, warnings);
      assert.deepEqual(composed.outcomes, ['added']);
    });

    it(`makes it a failure where that is the policy: ${what}`, async () => {
      const { image, workshop } = await imageOf(stack);
      const other = await workshop.image('reg.example/other:1', [await workshop.layer(file('other'))]);
      const options = { capabilities: { ...HOLDS_EVERYTHING, ...capabilities }, onLoss: 'refuse' } as const;
      const { outcomes } = await workshop.publish([image, other], options);
      assert.deepEqual(outcomes, [warnings.length === 0 ? 'added' : 'image-incomplete', 'added']);
      const flat = workshop.repository.linesBelow(flatPath(image.manifest.config.digest));
      assert.equal(flat.length > 0, warnings.length === 0);
    });
  }

  it('tells once of all files that clients have trouble with, and publishes them whatever the policy', async () => {
    const sizes = [1_500, 999, 1_000, 2_000_000, 1_001, 1_002];
    const { image, workshop } = await imageOf([sizes.map((size) => file(`f${size}`, 'x'.repeat(size)))]);
    const options = {
      capabilities: { ...HOLDS_EVERYTHING, largeFileBytes: 1_000 },
      onLoss: 'refuse',
    } as const;
    const { warnings, outcomes } = await workshop.publish([image], options);
    assert.deepEqual(outcomes, ['added']);
    assert.deepEqual(warnings, [
      'clients fetch 4 large files whole, and some cannot open files of that size: see "Large files" in docs/operators.md (f1500: 1.5 kB, f2000000: 2.0 MB, f1001: 1.0 kB, and 1 more)',
    ]);
  });

  it('says nothing of what is published already', async () => {
    const { image, workshop } = await imageOf([[file('f', '', { uid: 7 })]]);
    const options = { capabilities: { ...HOLDS_EVERYTHING, ...NO_OWNERS } };
    assert.equal((await workshop.publish([image], options)).warnings.length, 1);
    assert.deepEqual(
      (await workshop.publish([{ ...image, publicName: 'reg.example/b:1' }], options)).warnings,
      [],
    );
  });

  it('leaves out of the publication what is not held', async () => {
    const { image, workshop } = await imageOf([
      [file('f', '', { xattrs: { 'user.a': '1', 'user.b': '2' } }), device('n', 'block-device', [8, 1])],
    ]);
    const lostXattrs: RepositoryCapabilities['lostXattrs'] = (values) =>
      [...values.keys()].filter((name) => name === 'user.a');
    const { stream } = await workshop.publish([image], {
      capabilities: { ...HOLDS_EVERYTHING, lostXattrs, takesDevices: false },
    });
    for (const { values } of stream.xattrs) assert.deepEqual([...values], [['user.b', '2']]);
    assert.equal(stream.xattrs.length, 3);
    assert.deepEqual(
      stream.entries.filter(({ path }) => path.endsWith('/n')),
      [],
    );
  });

  const UNHOLDABLE: readonly (readonly [
    what: string,
    entry: LayerEntry,
    limit: Partial<RepositoryCapabilities>,
  ])[] = [
    ['a name', file(`d/${'n'.repeat(144)}`), { longestNameBytes: 143 }],
    ['the name of a folder', file(`${'n'.repeat(144)}/f`), { longestNameBytes: 143 }],
    ['a path', file('d/'.repeat(100) + 'f'), { longestPathBytes: 200 }],
    ['the target of a link', symlink('s', 't'.repeat(1024)), { longestTargetBytes: 1023 }],
    ['a name that is no UTF-8', file(Buffer.from('caf\xe9', 'latin1')), { takesAnyBytes: false }],
  ];
  for (const [what, entry, limit] of UNHOLDABLE) {
    it(`refuses an image, whatever the policy, for ${what}, also of a layer that is hidden`, async () => {
      const { image, workshop } = await imageOf([[entry, file('good')], [opaque('')]]);
      const other = await workshop.image('reg.example/other:1', [await workshop.layer(file('other'))]);
      const { outcomes } = await workshop.publish([image, other], {
        capabilities: { ...HOLDS_EVERYTHING, ...limit },
      });
      assert.deepEqual(outcomes, ['image-incomplete', 'added']);
      const [layer] = image.manifest.layers;
      assert.deepEqual(workshop.repository.linesBelow(layerRoot(layer?.digest ?? 'sha256:')), []);
    });
  }
});

async function imageOf(stack: readonly (readonly LayerEntry[])[]) {
  const workshop = await Workshop.open();
  const layers = [];
  for (const entries of stack) layers.push(await workshop.layer(...entries));
  return { workshop, image: await workshop.image('reg.example/app:1', layers) };
}
