import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { compressionOf } from '../../../publisher/layer/decompress.ts';
import { pathBelow } from '../../../core/system/byte-path.ts';
import { image } from '../../support/images/image.ts';
import { writeLayout } from '../../support/images/layout.ts';
import type { Layer } from '../../support/images/layer.ts';
import { ImageStore } from '../../support/images/store.ts';
import { needs, needsRoot } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { LAYER_TABLES } from './cases.ts';
import { blobsOf, factsOfImage, type LayerBlob } from './image-of.ts';
import { imageLines, type PathFacts } from './lines.ts';

const CASES = LAYER_TABLES.flatMap(({ cases }) => cases);
const NO_XATTRS: ReadonlyMap<string, string> = new Map();

describe('publisher/layer-cases/references: layers of all kinds as GNU tar unpacks them, but where we differ for a reason:', () => {
  for (const { what, layers, compress, differs } of CASES) {
    if (layers.length !== 1 || differs?.tar !== undefined) continue;
    it(what, async function () {
      needs(this, 'tar');
      needsRoot(this);
      const folder = await temporaryDirectory('by-tar');
      const blobs = await blobsOf(layers, compress);
      const [blob, root] = [join(folder, 'blob'), join(folder, 'root')];
      writeFileSync(blob, blobs[0]?.bytes ?? '');
      mkdirSync(root);
      const words = ['-xpf', blob, '-C', root, '--numeric-owner', '--same-owner', '--warning=none'];
      const { status, stderr } = spawnSync('tar', words, { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      assertSameTree(await factsOfImage(folder, blobs), [...factsIn(root, '')]);
    });
  }
});

describe('publisher/layer-cases/references: layers of all kinds as umoci unpacks them, but where we differ for a reason:', () => {
  const compared = CASES.filter(({ differs }) => differs?.umoci === undefined);
  const layout = { path: '' };
  before(async () => {
    const store = new ImageStore();
    for (const [index, { layers, compress }] of compared.entries()) {
      const blobs = await blobsOf(layers, compress);
      store.add('cases', image({ layers: blobs.map(layerOf) }), `t${index}`);
    }
    layout.path = join(await temporaryDirectory('by-umoci'), 'oci');
    mkdirSync(layout.path);
    await writeLayout(store, 'cases', layout.path);
  });

  for (const [index, { what, layers, compress }] of compared.entries()) {
    it(what, async function () {
      needs(this, 'umoci');
      needsRoot(this);
      const folder = await temporaryDirectory('by-umoci');
      const root = join(folder, 'root');
      const words = ['raw', 'unpack', '--image', `${layout.path}:t${index}`, root];
      const { status, stderr } = spawnSync('umoci', words, { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      assertSameTree(await factsOfImage(folder, await blobsOf(layers, compress)), [...factsIn(root, '')]);
    });
  }
});

/** Extended attributes do not count: not every file system of a test has them. Nor do times that no member states. */
function assertSameTree(ours: readonly PathFacts[], theirs: readonly PathFacts[]): void {
  const implied = new Set(
    ours.filter(({ type, mtime }) => type === 'directory' && mtime === 0).map(({ path }) => path),
  );
  const comparable = (facts: PathFacts): PathFacts => ({
    ...facts,
    xattrs: NO_XATTRS,
    mtime: implied.has(facts.path) ? 0 : facts.mtime,
  });
  assert.deepEqual(imageLines(theirs.map(comparable)), imageLines(ours.map(comparable)));
}

function* factsIn(root: string, folder: string): Generator<PathFacts> {
  for (const entry of readdirSync(pathBelow(root, folder), { withFileTypes: true, encoding: 'buffer' })) {
    const name = entry.name.toString('latin1');
    const path = folder === '' ? name : `${folder}/${name}`;
    const facts = factsAt(root, path);
    yield facts;
    if (facts.type === 'directory') yield* factsIn(root, path);
  }
}

function factsAt(root: string, path: string): PathFacts {
  const at = pathBelow(root, path);
  const found = lstatSync(at);
  const type = typeOf(found);
  const text =
    type === 'symlink' ? readlinkSync(at, 'buffer') : type === 'file' ? readFileSync(at) : Buffer.alloc(0);
  const isDevice = type === 'character-device' || type === 'block-device';
  return {
    path,
    type,
    mode: found.mode & 0o7777,
    uid: found.uid,
    gid: found.gid,
    mtime: Math.round(found.mtimeMs) / 1000,
    text: text.toString('latin1'),
    major: isDevice ? (found.rdev >> 8) & 0xfff : 0,
    minor: isDevice ? (found.rdev & 0xff) | ((found.rdev >> 12) & 0xfff00) : 0,
    xattrs: NO_XATTRS,
    inode: found.ino,
  };
}

function typeOf(found: Stats): PathFacts['type'] {
  if (found.isDirectory()) return 'directory';
  if (found.isSymbolicLink()) return 'symlink';
  if (found.isFIFO()) return 'fifo';
  if (found.isCharacterDevice()) return 'character-device';
  return found.isBlockDevice() ? 'block-device' : 'file';
}

function layerOf({ bytes, digest, diffId }: LayerBlob): Layer {
  const found = compressionOf(bytes);
  const compression = found === 'none' ? 'plain' : found;
  return { mediaType: '', digest, size: bytes.length, bytes, compression, diffId };
}
