import { ImageMeter } from '../../../publisher/image/image-limits.ts';
import assert from 'node:assert/strict';
import { LINUX_AMD64 } from '../../../core/oci/platform.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import type { StackedLayer } from '../../../publisher/tree/image-trees.ts';
import type { ReadyImage } from '../../../publisher/image/image.ts';
import { flatOutput } from '../../../publisher/outputs/flat.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import type { AnyNode } from '../../../publisher/tree/node.ts';
import { nodeAt } from '../../../publisher/tree/resolve.ts';
import { directory, file, symlink } from '../../support/images/layer-entry.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import { OWN } from './workshop.ts';
import type { OutputName } from '../../../core/outputs.ts';
import { NO_FACTS, layerAt, mergedStack, treeLines } from '../tree/stack.ts';

const DIGEST: Digest = `sha256:${'5'.repeat(64)}`;
const CONFIG = {
  bytes: Buffer.alloc(0),
  architecture: 'amd64',
  os: 'linux',
  variant: undefined,
  created: undefined,
  diffIds: [],
  entrypoint: ['/bin/é'],
  cmd: undefined,
  env: [],
  labels: { name: 'ü' },
  workingDirectory: '',
  user: '',
};

const MOUNT_POINTS = [
  'dev/',
  'etc/',
  'etc/hosts = ',
  'etc/resolv.conf = ',
  'home/',
  'proc/ 555',
  'root/ 700',
  'sys/ 555',
  'tmp/ 1777',
  'var/',
  'var/tmp/ 1777',
];
const LINKS = ['.exec', '.run', '.shell', '.test', 'environment', 'singularity'];

describe('publisher/compose/flat', () => {
  it('adds start-up files, links to them, and mount points to an empty image', () => {
    const lines = flatLines([]);
    for (const line of MOUNT_POINTS) assert.ok(lines.includes(line), line);
    for (const name of LINKS)
      assert.ok(
        lines.some((line) => line.startsWith(`${name} -> .singularity.d/`)),
        name,
      );
    for (const folder of ['', 'actions/', 'env/', 'libs/'])
      assert.ok(lines.includes(`.singularity.d/${folder}`));
    const added = new Set(lines.map((line) => line.split(/[/ ]/, 1)[0] ?? ''));
    const folders = ['.singularity.d', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'var'];
    assert.deepEqual([...added].sort(), [...folders, ...LINKS].sort());
  });

  const cases: [what: string, entries: LayerEntry[], has: string[], lacks: string[]][] = [
    [
      'files that the image has stay',
      [directory('etc', { mode: 0o700 }), file('etc/hosts', 'mine')],
      ['etc/ 700', 'etc/hosts = mine', 'etc/resolv.conf = '],
      ['etc/', 'etc/hosts = '],
    ],
    [
      'mount points that the image has stay',
      [directory('tmp', { mode: 0o700 }), file('tmp/x', 'y'), file('home', 'z')],
      ['tmp/ 700', 'tmp/x = y', 'home = z'],
      ['tmp/ 1777', 'home/'],
    ],
    [
      'folders that are symbolic links are followed',
      [symlink('etc', '/usr/etc'), directory('usr/etc', { mode: 0o711 }), symlink('var', 'data')],
      ['etc -> /usr/etc', 'usr/etc/ 711', 'usr/etc/hosts = ', 'var -> data', 'data/', 'data/tmp/ 1777'],
      ['etc/hosts = ', 'var/tmp/ 1777'],
    ],
    [
      'what is there behind a symbolic link stays',
      [symlink('etc', 'usr/etc'), file('usr/etc/hosts', 'mine'), symlink('usr/etc/resolv.conf', '/run/x')],
      ['usr/etc/hosts = mine', 'usr/etc/resolv.conf -> /run/x'],
      ['usr/etc/hosts = ', 'run/x = '],
    ],
    [
      'symbolic links in the place of mount points stay',
      [symlink('tmp', 'var/tmp'), symlink('dev', 'nowhere')],
      ['tmp -> var/tmp', 'var/tmp/ 1777', 'dev -> nowhere'],
      ['nowhere/'],
    ],
    ['a folder that is a file stays', [file('etc', 'x')], ['etc = x'], ['etc/', 'etc/hosts = ']],
    ['a folder in a circle stays', [symlink('etc', 'etc')], ['etc -> etc'], ['etc/', 'etc/hosts = ']],
    [
      'names at the root that the image has stay',
      [file('.run', 'mine'), directory('environment'), symlink('singularity', 'x')],
      ['.run = mine', 'environment/', 'singularity -> x'],
      ['.run -> .singularity.d/actions/run'],
    ],
    [
      'start-up files take the place of the image’s own',
      [file('.singularity.d/actions/exec', 'mine'), symlink('.singularity.d/runscript', '/etc/passwd')],
      [],
      ['.singularity.d/actions/exec = mine', '.singularity.d/runscript -> /etc/passwd'],
    ],
    [
      'start-up files never go through links of the image',
      [symlink('.singularity.d', 'etc'), file('etc/keep', 'x')],
      ['.singularity.d/', '.singularity.d/actions/', 'etc/keep = x'],
      ['.singularity.d -> etc', 'etc/actions/'],
    ],
    [
      'nor do their folders',
      [symlink('.singularity.d/env', '/etc'), file('.singularity.d/actions', 'x')],
      ['.singularity.d/env/', '.singularity.d/actions/', '.singularity.d/libs/'],
      ['.singularity.d/env -> /etc', '.singularity.d/actions = x'],
    ],
  ];
  for (const [what, entries, has, lacks] of cases) {
    it(what, () => {
      const lines = flatLines(entries);
      for (const line of has) assert.ok(lines.includes(line), `${line} is missing`);
      for (const line of lacks) assert.ok(!lines.includes(line), `${line} is there`);
    });
  }

  it('writes text as UTF-8, with attributes that are the same every time', () => {
    const tree = flatTree([]);
    for (const [path, text] of [
      ['.singularity.d/labels.json', 'ü'],
      ['.singularity.d/runscript', '/bin/é'],
    ] as const) {
      const node = nodeAt<AnyNode>(tree, path);
      assert.ok(node?.type === 'file' && node.source.kind === 'bytes');
      assert.ok(Buffer.from(node.source.bytes).toString('utf8').includes(text));
      assert.equal(node.sizeBytes, node.source.bytes.length);
      assert.deepEqual({ ...node.attributes, mode: 0 }, { mode: 0, uid: 0, gid: 0, mtime: 0 });
    }
  });
});

function flatLines(entries: readonly LayerEntry[]): string[] {
  return treeLines(flatTree(entries), [entries]);
}

function flatTree(entries: readonly LayerEntry[]): AnyNode {
  const { layers, top } = mergedStack([entries]);
  const [own] = layers;
  assert.ok(own !== undefined);
  const stage: StackedLayer = { layer: layerAt(0), facts: NO_FACTS, layerTree: own, rootfs: top };
  const descriptor = { mediaType: 'x', digest: DIGEST, sizeBytes: 0 };
  const manifest = {
    mediaType: 'x',
    digest: DIGEST,
    bytes: Buffer.alloc(0),
    config: descriptor,
    layers: [],
    skipped: [],
    index: undefined,
  };
  const image: ReadyImage = {
    reference: parseReference('reg.example/app:1'),
    platform: LINUX_AMD64,
    publicName: 'reg.example/app:1',
    manifest,
    config: CONFIG,
    outputs: new Set<OutputName>(['layers', 'chains', 'flat']),
    hasVariantLink: false,
    blobs: new Map(),
  };
  const [tree] =
    flatOutput.trees?.({
      image,
      stack: [stage],
      linked: true,
      attributes: OWN,
      meter: new ImageMeter(),
    }) ?? [];
  assert.ok(tree !== undefined);
  return tree.rootNode;
}
