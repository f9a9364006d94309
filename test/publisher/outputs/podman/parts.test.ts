import assert from 'node:assert/strict';
import { hexOf } from '../../../../core/oci/digest.ts';
import type { OutputName, Outputs } from '../../../../core/outputs.ts';
import { planStep, type Step } from '../../../../publisher/collection/plan.ts';
import type { CollectionOptions } from '../../../../publisher/collection/report.ts';
import type { ReadyImage } from '../../../../publisher/image/image.ts';
import { layerPath, layerRoot, platformName } from '../../../../publisher/image/layout.ts';
import { imageRecordPath } from '../../../../publisher/outputs/podman/image-record.ts';
import { imageMark, layerMark } from '../../../../publisher/outputs/podman/marks.ts';
import { layerIds } from '../../../../publisher/outputs/podman/store.ts';
import { MARKS_PATH } from '../../../../publisher/published/marks.ts';
import { file } from '../../../support/images/layer-entry.ts';
import { layer, type Layer } from '../../../support/images/layer.ts';
import { assertSound, readStream } from '../../compose/stream.ts';
import { EVERYTHING, Workshop } from '../../compose/workshop.ts';

const DAY = 24 * 60 * 60 * 1000;
const START = Date.parse('2026-12-01T00:00:00Z');
const STORE = 'podmanStore';
const OUTPUTS: Outputs = new Set(['layers', 'flat', 'podman']);
const TOOL = 'quay.io/lab/tool:1';
const OTHER = 'quay.io/lab/other:1';

describe('publisher/outputs/podman/parts', () => {
  let workshop: Workshop;
  let base: Layer;
  let middle: Layer;
  let top: Layer;
  let tool: ReadyImage;

  beforeEach(async () => {
    workshop = await Workshop.open();
    base = await workshop.layer(file('base', 'base'));
    middle = await workshop.layer(file('middle', 'middle'));
    top = await workshop.layer(file('top', 'top'));
    tool = await workshop.image(TOOL, [base, middle, top]);
    await workshop.publish([tool, await workshop.image(OTHER, [base])], { outputs: OUTPUTS });
  });

  /** Collects on the day `day`, in as many publications as it takes, each of which leaves the store whole. */
  async function on(
    day: number,
    { isWhole = true, ...options }: Partial<CollectionOptions> & { readonly isWhole?: boolean } = {},
  ): Promise<Step[]> {
    const { repository: view } = workshop;
    const steps: Step[] = [];
    for (;;) {
      const { step, publication } = await planStep(
        { view, clientRoot: EVERYTHING.clientRoot, revision: 7 },
        {
          graceMs: 30 * DAY,
          nowMs: START + day * DAY,
          isDryRun: false,
          isClockConfirmed: true,
          ...options,
        },
      );
      steps.push(step);
      if (publication === undefined) return steps;
      const stream = await readStream(publication);
      await assertSound(view, stream);
      view.apply(stream);
      if (isWhole) assertWhole();
      if (!step.isMore) return steps;
    }
  }

  function removeName(name: string): void {
    for (const path of [`.metadata/${name}`, name]) workshop.repository.remove(path);
  }

  function listed(list: 'overlay-images/images' | 'overlay-layers/layers', store = STORE): string[] {
    const text = workshop.repository.textOf(`${store}/${list}.json`) ?? '[]';
    return (JSON.parse(text) as { id: string }[]).map(({ id }) => id);
  }

  /** Every layer that is listed is there, with its tree and the names of those below it. */
  function assertWhole(store = STORE): void {
    const { repository } = workshop;
    const layers = listed('overlay-layers/layers', store);
    for (const id of layers) {
      const tree = repository.textOf(`${store}/overlay/${id}/diff`)?.slice(EVERYTHING.clientRoot.length + 1);
      assert.ok(tree !== undefined && repository.linesBelow(tree).length > 0, `${id}: ${tree}`);
      for (const name of (repository.textOf(`${store}/overlay/${id}/lower`) ?? '').split(':').filter(Boolean))
        assert.ok(layers.includes(repository.textOf(`${store}/overlay/${name}`)?.slice(3, -5) ?? ''), name);
    }
    const text = repository.textOf(`${store}/overlay-images/images.json`) ?? '[]';
    for (const { id, layer: over } of JSON.parse(text) as { id: string; layer?: string }[]) {
      assert.ok(over === undefined || layers.includes(over), `${id} is over ${over}`);
      assert.ok(repository.linesBelow(`${store}/overlay-images/${id}`).length > 0, id);
    }
  }

  const idsOf = (...layers: readonly Layer[]): string[] => layerIds(layers.map(({ diffId }) => diffId));
  const isThere = (one: Layer): boolean =>
    workshop.repository.textOf(`${layerPath(one.digest)}/.cvmfscatalog`) === '';

  it('stay for the grace period, and go with the trees of their layers, from lists and folders', async () => {
    const { repository } = workshop;
    removeName(TOOL);
    const [, second = '', third = ''] = idsOf(base, middle, top);
    const id = hexOf(tool.manifest.config.digest);
    const [first] = await on(0);
    assert.deepEqual(
      [...(first?.marked ?? [])].sort(),
      [
        imageMark(STORE, id),
        layerMark(STORE, second),
        layerMark(STORE, third),
        `flat/${id}`,
        `layers/${hexOf(middle.digest)}`,
        `layers/${hexOf(top.digest)}`,
      ].sort(),
    );
    const before = repository.linesBelow('');
    assert.deepEqual(
      (await on(29)).map(({ swept }) => swept),
      [[]],
    );
    assert.deepEqual(
      repository.linesBelow('').filter((line) => !line.startsWith(MARKS_PATH)),
      before.filter((line) => !line.startsWith(MARKS_PATH)),
    );
    const names = [second, third].map((layer_) => repository.textOf(`${STORE}/overlay/${layer_}/link`) ?? '');
    assert.deepEqual(
      (await on(30)).map(({ swept }) => swept.length),
      [6],
    );
    assert.deepEqual(listed('overlay-images/images').length, 1);
    assert.deepEqual(listed('overlay-layers/layers'), idsOf(base));
    for (const path of [`overlay/${second}`, `overlay/${third}`, `overlay-images/${id}`])
      assert.deepEqual(repository.linesBelow(`${STORE}/${path}`), [], path);
    assert.deepEqual([base, middle, top].map(isThere), [true, false, false]);
    // No stranger's layer gets the short name of one that a container may still ask for.
    assert.deepEqual(
      names.map((name) => repository.textOf(`${STORE}/overlay/l/${name}`)),
      [`../${second}/diff`, `../${third}/diff`],
    );
  });

  it('come back whole when their image is published again, under the same short names', async () => {
    const linesOf = (): string[] =>
      ['.layers', '.flat', '.metadata', STORE].flatMap((folder) => workshop.repository.linesBelow(folder));
    const before = linesOf();
    removeName(TOOL);
    await on(0);
    await on(30);
    await workshop.publish([tool], { outputs: OUTPUTS });
    assert.deepEqual(linesOf(), before);
  });

  it('lose their marks with the publication that means them again', async () => {
    removeName(TOOL);
    await on(0);
    await workshop.publish([{ ...tool, publicName: 'quay.io/lab/again:1' }], { outputs: OUTPUTS });
    assert.deepEqual(JSON.parse(workshop.repository.textOf(MARKS_PATH) ?? '').trees, {});
    assert.deepEqual(
      (await on(40)).map(({ swept, marked }) => [swept, marked]),
      [[[], []]],
    );
    assertWhole();
  });

  it('go where their image is published in other forms alone', async () => {
    await workshop.publish([tool], { outputs: new Set<OutputName>(['layers', 'flat']) });
    await on(0);
    await on(30);
    assert.deepEqual(listed('overlay-layers/layers'), idsOf(base));
    assert.deepEqual([base, middle, top].map(isThere), [true, true, true]);
  });

  it('keep the tree that they lead to, though its own image is gone, for another image of the same config', async () => {
    const packed = await layer([file('middle', 'middle')], { compression: 'gzip' });
    const again = await workshop.image('quay.io/lab/packed:1', [base, packed, top]);
    assert.equal(again.manifest.config.digest, tool.manifest.config.digest);
    await workshop.publish([again], { outputs: OUTPUTS });
    removeName(TOOL);
    assert.deepEqual(
      (await on(0)).flatMap(({ marked }) => marked),
      [],
    );
    assert.ok(isThere(middle));
  });

  it('keep the tree that is listed and the one that the link leads to', async () => {
    const [, second = ''] = idsOf(base, middle);
    const elsewhere = await workshop.layer(file('else', 'where'));
    await workshop.publish([await workshop.image('quay.io/lab/else:1', [elsewhere])], {
      outputs: new Set<OutputName>(['layers']),
    });
    removeName('quay.io/lab/else:1');
    workshop.repository.put(
      `${STORE}/overlay/${second}/diff`,
      'symlink',
      `/other/root/${layerRoot(elsewhere.digest)}`,
    );
    await on(0, { graceMs: 0 });
    assert.deepEqual([middle, elsewhere].map(isThere), [true, true]);
  });

  it('hold a tree that is due as long as they are not', async () => {
    removeName(TOOL);
    await on(0);
    const marks = JSON.parse(workshop.repository.textOf(MARKS_PATH) ?? '');
    const [, , third = ''] = idsOf(base, middle, top);
    marks.trees[layerMark(STORE, third)].since = new Date(START + 5 * DAY).toISOString();
    workshop.repository.put(MARKS_PATH, 'file', JSON.stringify(marks));
    await on(31);
    // What is below the layer stays with it.
    assert.deepEqual([base, middle, top].map(isThere), [true, true, true]);
    assert.deepEqual(listed('overlay-layers/layers'), idsOf(base, middle, top));
    await on(36);
    assert.deepEqual([base, middle, top].map(isThere), [true, false, false]);
  });

  for (const most of [1, 2, 3]) {
    it(`go ${most} at a time, what is above first, and stores are whole in between`, async () => {
      removeName(TOOL);
      await on(0);
      const steps = await on(30, { mostTrees: most });
      assert.equal(steps.length, Math.ceil(6 / most));
      assert.deepEqual(listed('overlay-layers/layers'), idsOf(base));
      assert.deepEqual([base, middle, top].map(isThere), [true, false, false]);
    });
  }

  it('are those of each platform', async () => {
    const arm = { os: 'linux', architecture: 'arm64', variant: undefined };
    const store = `.multiarch/arm64/${STORE}`;
    const publicName = platformName(arm, TOOL);
    await workshop.publish([{ ...tool, platform: arm, publicName }], { outputs: OUTPUTS });
    removeName(TOOL);
    await on(0);
    await on(30);
    assert.deepEqual(listed('overlay-layers/layers'), idsOf(base));
    assert.deepEqual(listed('overlay-layers/layers', store), idsOf(base, middle, top));
    assert.deepEqual([base, middle, top].map(isThere), [true, true, true]);
    removeName(publicName);
    await on(40);
    await on(70);
    assert.deepEqual(listed('overlay-layers/layers', store), []);
    assert.deepEqual([base, middle, top].map(isThere), [true, false, false]);
  });

  interface Doubt {
    readonly put: () => void;
    /** Which of the three layers stay in the list, and whose trees. */
    readonly lists: boolean;
    readonly trees: boolean;
    readonly says: RegExp;
  }
  const put = (path: string, ...more: ['file' | 'symlink' | 'directory', string?]): void =>
    workshop.repository.put(`${STORE}/${path}`, ...more);
  const textOf = (path: string): string => workshop.repository.textOf(`${STORE}/${path}`) ?? '';
  const secondId = (): string => idsOf(base, middle)[1] ?? '';
  const toolId = (): string => hexOf(tool.manifest.config.digest);
  const doubts: Readonly<Record<string, Doubt>> = {
    'a list of images that somebody changed': {
      put: () =>
        put('overlay-images/images.json', 'file', textOf('overlay-images/images.json').replace('lab', 'bal')),
      lists: true,
      trees: true,
      says: /podmanStore.*lists/,
    },
    'a list of layers without its lock': {
      put: () => workshop.repository.remove(`${STORE}/overlay-layers/layers.lock`),
      lists: true,
      trees: true,
      says: /podmanStore.*lists/,
    },
    'a record that cannot be read': {
      put: () => workshop.repository.put(imageRecordPath(OTHER), 'file', '{"format":1,'),
      lists: true,
      trees: true,
      says: /other:1\/podman\.json/,
    },
    'a record of another format': {
      put: () => workshop.repository.put(imageRecordPath(OTHER), 'file', '{"format":2}'),
      lists: true,
      trees: true,
      says: /other:1\/podman\.json/,
    },
    'a link to a layer from elsewhere': {
      put: () =>
        workshop.repository.put('mine', 'symlink', `${STORE}/overlay/${idsOf(base, middle, top)[2]}/diff`),
      lists: true,
      trees: true,
      says: /^$/,
    },
    'a link to a short name from elsewhere': {
      put: () =>
        workshop.repository.put(
          'a/b',
          'symlink',
          `../${STORE}/overlay/l/${textOf(`overlay/${idsOf(base, middle, top)[2]}/link`)}`,
        ),
      lists: true,
      trees: true,
      says: /^$/,
    },
    'a link to the image from elsewhere': {
      put: () =>
        workshop.repository.put(
          'a/b',
          'symlink',
          `${EVERYTHING.clientRoot}/${STORE}/overlay-images/${toolId()}/manifest`,
        ),
      lists: true,
      trees: true,
      says: /^$/,
    },
    'a link to the store from elsewhere': {
      put: () => workshop.repository.put('store', 'symlink', STORE),
      lists: false,
      trees: false,
      says: /^$/,
    },
    'a file of somebody in the folder of the layer on top': {
      put: () => put(`overlay/${idsOf(base, middle, top)[2]}/notes`, 'file', 'x'),
      lists: true,
      trees: true,
      says: /overlay\/[0-9a-f]{64}\/notes/,
    },
    'something in the folder for mounts': {
      put: () => put(`overlay/${idsOf(base, middle, top)[2]}/merged/x`, 'file', 'x'),
      lists: true,
      trees: true,
      says: /merged/,
    },
    'a file of somebody in the folder of the image': {
      put: () => put(`overlay-images/${toolId()}/notes`, 'file', 'x'),
      lists: true,
      trees: true,
      says: /overlay-images\/[0-9a-f]{64}\/notes/,
    },
    'a folder of a layer that is a link': {
      put: () => put(`overlay/${'0'.repeat(64)}`, 'symlink', '../../elsewhere'),
      lists: false,
      trees: true,
      says: /0{64}.*link/,
    },
    'a layer that is not listed': {
      put: () => put(`overlay/${'0'.repeat(64)}/diff`, 'symlink', `/x/${layerRoot(middle.digest)}`),
      lists: false,
      trees: false,
      says: /0{64}.*no such layer/,
    },
  };
  for (const [what, doubt] of Object.entries(doubts)) {
    it(`stay where they cannot be judged, and keep trees that they may lead to, for ${what}`, async () => {
      removeName(TOOL);
      doubt.put();
      const steps = await on(0, { graceMs: 0 });
      assert.deepEqual(listed('overlay-layers/layers').includes(secondId()), doubt.lists);
      assert.equal(isThere(top), doubt.trees);
      const [last] = steps.slice(-1);
      const said = [...(last?.notOurs ?? []), ...(last?.blocked ?? [])].map(
        ({ path, why }) => `${path}: ${why}`,
      );
      assert.match(said.join('; '), doubt.says);
    });
  }

  it('stay where an image is not listed, and are told of', async () => {
    const path = `${STORE}/overlay-images/${'a'.repeat(64)}`;
    workshop.repository.put(path, 'directory');
    workshop.repository.put(`${path}/manifest`, 'file', '{}');
    const [step] = await on(0, { isWhole: false });
    assert.deepEqual(step?.notOurs, [{ path, why: 'the list of images has no such image' }]);
    assert.equal(workshop.repository.textOf(`${path}/manifest`), '{}');
  });

  it('keep the tree of a layer that is not listed', async () => {
    removeName(TOOL);
    doubts['a layer that is not listed']?.put();
    await on(0, { graceMs: 0 });
    assert.deepEqual([base, middle, top].map(isThere), [true, true, false]);
  });

  it('go after the grace period where another program left them, with trees that only they lead to', async () => {
    removeName(TOOL);
    const id = '0'.repeat(64);
    doubts['a layer that is not listed']?.put();
    put(`overlay/${id}/link`, 'file', 'LEFTOVER');
    put(`overlay/${id}/lower`, 'file', 'l/OTHER');
    const [first] = await on(0);
    assert.ok(first?.marked.includes(layerMark(STORE, id)));
    assert.deepEqual(first?.notOurs, []);
    await on(29);
    assert.deepEqual([base, middle, top].map(isThere), [true, true, true]);
    const lists = listed('overlay-layers/layers');
    await on(30);
    assert.deepEqual([base, middle, top].map(isThere), [true, false, false]);
    assert.ok(lists.length > listed('overlay-layers/layers').length);
    assert.deepEqual(workshop.repository.linesBelow(`${STORE}/overlay/${id}`), []);
    assert.equal(workshop.repository.textOf(MARKS_PATH), undefined);
  });

  it('stay with what somebody put into them', async () => {
    const id = '0'.repeat(64);
    doubts['a layer that is not listed']?.put();
    put(`overlay/${id}/link`, 'file', 'LEFTOVER');
    put(`overlay/${id}/own`, 'file', 'data');
    const [first] = await on(0, { graceMs: 0 });
    assert.match(first?.notOurs[0]?.why ?? '', /no such layer/);
    assert.equal(workshop.repository.textOf(`${STORE}/overlay/${id}/own`), 'data');
  });

  for (const folder of [STORE, `${STORE}/overlay`, `${STORE}/overlay-layers`, `.multiarch/arm64/${STORE}`]) {
    it(`keep all layers where ${folder} is somewhere else`, async () => {
      removeName(TOOL);
      workshop.repository.remove(folder);
      workshop.repository.put(folder, 'symlink', '../somewhere/else');
      const [last] = (await on(0, { graceMs: 0, isWhole: false })).slice(-1);
      assert.deepEqual([base, middle, top].map(isThere), [true, true, true]);
      assert.equal(last?.blocked.length, 1);
    });
  }
});
