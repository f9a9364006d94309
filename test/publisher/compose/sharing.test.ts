import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { chainIds, chainPath, flatPath, layerRoot } from '../../../publisher/image/layout.ts';
import { Effort, FileSharing } from '../../../publisher/compose/sharing/shared-files.ts';
import { TreeLoader } from '../../../publisher/tree/image-trees.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import { directory, file, hardLink, whiteout } from '../../support/images/layer-entry.ts';
import { pseudoRandom } from '../../support/e2e/pseudo-random.ts';
import type { Layer } from '../../support/images/layer.ts';
import { MemoryRepository } from './memory-repository.ts';
import { HOLDS_EVERYTHING, streamBelow, Workshop } from './workshop.ts';

const NIGHTLY = 'reg.example/lab/nightly:1';
/** A change of something that matters, of those that a file may have. */
const CHANGES: ((entry: TestFile) => void)[] = [
  (entry) => (entry.content = `${entry.content}.`),
  (entry) => (entry.content = 'x'.repeat(entry.content.length)),
  (entry) => (entry.mode = entry.mode === 0o644 ? 0o755 : 0o644),
  (entry) => entry.uid++,
  (entry) => entry.gid++,
  (entry) => entry.mtime++,
];
const PAIRS = 60;
const FILES = 40;

interface TestFile {
  content: string;
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
}

describe('publisher/compose/sharing', () => {
  let workshop: Workshop;
  beforeEach(async () => (workshop = await Workshop.open()));
  afterEach(() => workshop.remove());

  async function publish(top: Layer, name = NIGHTLY, options = {}): Promise<string[]> {
    const { stream } = await workshop.publish([await workshop.image(name, [top])], options);
    return streamBelow(stream, layerRoot(top.digest));
  }

  it('brings only what changed of a layer, and links the rest to what the tag had before', async () => {
    const before = await workshop.layer(directory('d'), file('d/same', 'same'), file('new', 'old'));
    const after = await workshop.layer(directory('d'), file('d/same', 'same'), file('new', 'new'));
    await publish(before);
    const entries = await publish(after);
    assert.deepEqual(entries, ['d/', `d/same == ${layerRoot(before.digest)}/d/same`, 'new = new']);
  });

  it('links chains and flat trees to the file itself, never to a link', async () => {
    const [before, after] = [
      await workshop.layer(file('same', 'same'), hardLink('again', 'same')),
      await workshop.layer(file('same', 'same'), hardLink('again', 'same'), file('own', 'own')),
    ];
    await publish(before);
    const image = await workshop.image(NIGHTLY, [after]);
    const { stream } = await workshop.publish([image]);
    const home = `${layerRoot(before.digest)}/same`;
    const [chain = ''] = chainIds([after.digest]).map(chainPath);
    for (const tree of [chain, flatPath(image.manifest.config.digest)]) {
      const entries = streamBelow(stream, tree);
      for (const name of ['same', 'again']) assert.ok(entries.includes(`${name} == ${home}`), tree);
      assert.ok(entries.includes(`own == ${layerRoot(after.digest)}/own`));
    }
  });

  it('needs no blob of a layer all of whose files are there', async () => {
    const before = await workshop.layer(file('same', 'same'), file('gone', 'gone'));
    const after = await workshop.layer(file('same', 'same'), directory('d'));
    await publish(before);
    const image = await workshop.image(NIGHTLY, [after]);
    const blobs = new Map([[after.digest, '/no/such/blob']]);
    const { stream } = await workshop.publish([{ ...image, blobs }]);
    assert.equal(
      stream.entries.filter(({ kind, path }) => kind === 'file' && path.includes('/same')).length,
      0,
    );
  });

  it('shares with the latest tags of its repository, and with no other', async () => {
    const same = file('same', 'same');
    const before = await workshop.layer(same, file('a', 'a'));
    await publish(before, 'reg.example/lab/nightly:20261129');
    const next = await workshop.layer(same, file('b', 'b'));
    assert.deepEqual(await publish(next, 'reg.example/lab/nightly:20261130'), [
      `same == ${layerRoot(before.digest)}/same`,
      'b = b',
    ]);
    const stranger = await workshop.layer(same, file('c', 'c'));
    assert.deepEqual(await publish(stranger, 'reg.example/lab/nightly-tools:1'), ['same = same', 'c = c']);
  });

  it('shares within a batch, and passes on what a layer of the batch shares itself', async () => {
    const same = file('same', 'same');
    const [before, one, two] = [
      await workshop.layer(same),
      await workshop.layer(same, file('both', 'both')),
      await workshop.layer(same, file('both', 'both'), file('own', 'own')),
    ];
    await publish(before);
    const images = [
      await workshop.image(NIGHTLY, [one]),
      await workshop.image('reg.example/lab/other:1', [two]),
    ];
    const { stream } = await workshop.publish(images);
    assert.deepEqual(streamBelow(stream, layerRoot(two.digest)), [
      `same == ${layerRoot(before.digest)}/same`,
      `both == ${layerRoot(one.digest)}/both`,
      'own = own',
    ]);
  });

  it('keeps what an image that fails would have shared out of the batch', async () => {
    const [one, two] = [
      await workshop.layer(file('same', 'same'), file('x', 'x')),
      await workshop.layer(file('same', 'same')),
    ];
    const lost = await workshop.image('reg.example/lab/lost:1', [one]);
    const { outcomes, stream } = await workshop.publish([
      { ...lost, config: { ...lost.config, diffIds: [two.digest] } },
      await workshop.image(NIGHTLY, [two]),
    ]);
    assert.deepEqual(outcomes, ['digest-mismatch', 'added']);
    assert.deepEqual(streamBelow(stream, layerRoot(two.digest)), ['same = same']);
  });

  it('brings a file itself where the other is not what was published there', async () => {
    const [before, after] = [
      await workshop.layer(file('same', 'same')),
      await workshop.layer(file('same', 'same'), directory('d')),
    ];
    const path = `${layerRoot(before.digest)}/same`;
    const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: 1_700_000_000 };
    for (const damage of [
      (repository: MemoryRepository) => repository.remove(path),
      (repository: MemoryRepository) => repository.put(path, 'symlink', 'same'),
      (repository: MemoryRepository) => repository.put(path, 'file', 'shorter', attributes),
      (repository: MemoryRepository) => repository.put(path, 'file', 'same', { ...attributes, uid: 5 }),
      (repository: MemoryRepository) => repository.put(path, 'file', 'same', { ...attributes, mode: 0o600 }),
      (repository: MemoryRepository) => repository.put(path, 'file', 'same', { ...attributes, mtime: 5 }),
      (repository: MemoryRepository) => repository.chunk(path),
    ]) {
      const place = workshop.over(new MemoryRepository());
      await place.publish([await place.image(NIGHTLY, [before])]);
      damage(place.repository);
      const { stream } = await place.compose([await place.image(NIGHTLY, [after])]);
      assert.ok(streamBelow(stream, layerRoot(after.digest)).includes('same = same'), damage.toString());
    }
  });

  it('brings everything itself that is written again', async () => {
    const [before, after] = [
      await workshop.layer(file('same', 'same')),
      await workshop.layer(file('same', 'same'), directory('d')),
    ];
    await publish(before);
    assert.deepEqual(await publish(after, NIGHTLY, { overwriteLayers: true }), ['d/', 'same = same']);
    const repairs = new Map([[`layers/${after.digest.slice(7)}`, 'whole' as const]]);
    assert.deepEqual(await publish(after, NIGHTLY, { repairs }), ['d/', 'same = same']);
  });

  it('links to no layer that is made again in the same publication', async () => {
    const before = await workshop.layer(file('same', 'same'));
    await publish(before);
    const after = await workshop.layer(file('same', 'same'), directory('d'));
    const repairs = new Map([[`layers/${before.digest.slice(7)}`, 'whole' as const]]);
    assert.deepEqual(await publish(after, NIGHTLY, { repairs }), ['d/', 'same = same']);
  });

  it('shares nothing where the repository says that files are to be their image\u2019s alone', async () => {
    await publish(await workshop.layer(file('same', 'same'), file('mine', 'mine', { mode: 0o666 })));
    const after = await workshop.layer(
      file('same', 'same'),
      file('mine', 'mine', { mode: 0o666 }),
      directory('d'),
    );
    const capabilities = {
      ...HOLDS_EVERYTHING,
      sharesFiles: ({ mode }: { mode: number }) => (mode & 0o002) === 0,
    };
    const entries = await publish(after, NIGHTLY, { capabilities });
    assert.ok(entries.includes('mine = mine') && entries.some((line) => line.startsWith('same == ')));
  });

  it('looks at the layer in the same place first, and no further where that has everything', async () => {
    const [low, high] = [
      await workshop.layer(file('low', 'low')),
      await workshop.layer(file('high', 'high')),
    ];
    const image = await workshop.image(NIGHTLY, [low, high]);
    await workshop.publish([image]);
    const [next, last] = [
      await workshop.layer(file('low', 'low'), directory('d')),
      await workshop.layer(file('high', 'high'), directory('d')),
    ];
    const looked: string[] = [];
    const index = workshop.fileIndex;
    const open = index.open.bind(index);
    index.open = async (layer) => {
      looked.push(layer);
      return await open(layer);
    };
    await workshop.publish([await workshop.image(NIGHTLY, [next, last])]);
    assert.deepEqual(looked, [next.digest, low.digest, last.digest, high.digest]);
  });

  it('compares only so many files for one image, and brings the others', async () => {
    const parts = { view: workshop.repository, capabilities: HOLDS_EVERYTHING, index: workshop.fileIndex };
    const sharing = new FileSharing({ ...parts, sameContent: 'exact' });
    const before = await workshop.layer(file('a', 'a'), file('b', 'b'));
    await publish(before);
    const after = await workshop.layer(file('a', 'a'), file('b', 'b'), directory('d'));
    await workshop.image(NIGHTLY, [after]);
    const [layer] = await new TreeLoader(workshop.listings).loadStack([after.digest]);
    assert.ok(layer !== undefined);
    for (const [records, shared] of [
      [3, 0],
      [4, 2],
    ] as const) {
      const candidates = { published: [before.digest], brought: new Map(), effort: new Effort(records) };
      assert.equal((await sharing.of(layer, candidates)).size, shared);
    }
  });

  it('links files of other times where that is asked for, but for sources of Python', async () => {
    const files = (mtime: number): LayerEntry[] => [
      file('tool', 'tool', { mtime }),
      file('tool.py', 'tool', { mtime }),
      file('changed', `${mtime}`, { mtime }),
    ];
    const before = await workshop.layer(...files(1));
    await publish(before);
    assert.deepEqual(
      await publish(await workshop.layer(...files(2)), NIGHTLY, { sameContent: 'ignore-mtime' }),
      [`tool == ${layerRoot(before.digest)}/tool`, 'tool.py = tool', 'changed = 2'],
    );
  });

  it('gives every file its own content and attributes, however layers differ', async () => {
    const seed = Number(process.env['UNPACKD_TEST_SEED'] ?? randomInt(2 ** 31));
    const next = pseudoRandom(seed);
    const random = (limit: number): number => Math.floor(next() * limit);
    let links = 0;
    let files: TestFile[] = Array.from({ length: FILES }, (_, at) => ({
      content: `content ${at % 7}`,
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: 1_000_000_000,
    }));
    for (let pair = 0; pair < PAIRS; pair++) {
      files = files.map((one) => ({ ...one }));
      for (const one of files) if (random(4) === 0) CHANGES[random(CHANGES.length)]?.(one);
      const entries = files.map(({ content, ...attributes }, at) => file(`f${at}`, content, attributes));
      const layer = await workshop.layer(...entries, whiteout(`gone${pair}`));
      const { stream } = await workshop.publish([await workshop.image(NIGHTLY, [layer])]);
      links += stream.entries.filter(
        ({ path, kind }) => kind === 'link' && path.startsWith('.layers'),
      ).length;
      for (const [at, { content, ...attributes }] of files.entries()) {
        const path = `${layerRoot(layer.digest)}/f${at}`;
        const found = await workshop.repository.inodeOf(path);
        const what = { content: workshop.repository.textOf(path), ...found?.attributes };
        assert.deepEqual(what, { content, ...attributes }, `f${at} with UNPACKD_TEST_SEED=${seed}`);
      }
    }
    assert.ok(links > (PAIRS * FILES) / 4, `only ${links} files were shared`);
  });
});
