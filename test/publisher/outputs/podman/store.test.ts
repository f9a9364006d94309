import assert from 'node:assert/strict';
import { serializeIndex, lockOf } from '../../../../publisher/outputs/podman/store-index.ts';
import {
  layerIds,
  mountedBelow,
  storeOf,
  type PublishedImage,
  type Store,
} from '../../../../publisher/outputs/podman/store.ts';
import { pseudoRandom } from '../../../support/e2e/pseudo-random.ts';
import { digestOf, layerRecord, published } from './records.ts';
import type { Digest } from '../../../../core/oci/digest.ts';

const hex = (text: string): string => digestOf(text).slice(7);

/** What is mounted for the topmost layer of the only image: names of layers, the topmost first. */
function mounted(store: Store, names: readonly string[]): string[] {
  const [image] = store.images.values();
  const top = store.layers.get(image?.topLayer ?? '');
  assert.ok(top !== undefined);
  const digests = [top, ...mountedBelow(top)].map(({ record }) => record.digest);
  return digests.map((digest) => names.find((name) => layerRecord(name).digest === digest) ?? '?');
}

describe('publisher/outputs/podman/store: outputs/podman/store', () => {
  it('lists each image once, with all its names', () => {
    const store = storeOf([
      published('quay.io/lab/tool:latest', ['base', 'top']),
      published('quay.io/lab/tool:1', ['base', 'top']),
      published('quay.io/lab/other:1', ['base']),
    ]);
    assert.deepEqual(
      [...store.images.values()].map(({ names }) => names).sort((one, other) => one.length - other.length),
      [['quay.io/lab/other:1'], ['quay.io/lab/tool:1', 'quay.io/lab/tool:latest']],
    );
    assert.equal(store.layers.size, 2);
  });

  it('has a layer of its own for the same layer over another parent', () => {
    const store = storeOf([
      published('a.io/a:1', ['one', 'shared']),
      published('a.io/b:1', ['two', 'shared']),
    ]);
    const shared = [...store.layers.values()].filter(
      ({ record }) => record.digest === layerRecord('shared').digest,
    );
    assert.equal(shared.length, 2);
    const [first, second] = shared;
    assert.notEqual(first?.parent, second?.parent);
  });

  it('mounts layers from the topmost down, and each tree once, at its topmost place', () => {
    const cases: readonly (readonly [layers: string[], mounted: string[]])[] = [
      [['a'], ['a']],
      [
        ['a', 'b', 'c'],
        ['c', 'b', 'a'],
      ],
      [['a', 'a'], ['a']],
      [
        ['a', 'b', 'a'],
        ['a', 'b'],
      ],
      [
        ['a', 'b', 'a', 'c'],
        ['c', 'a', 'b'],
      ],
      [
        ['a', 'b', 'b', 'c', 'a', 'c'],
        ['c', 'a', 'b'],
      ],
    ];
    for (const [layers, expected] of cases) {
      assert.deepEqual(mounted(storeOf([published('a.io/a:1', layers)]), layers), expected, layers.join());
    }
  });

  it('has an image without layers', () => {
    const store = storeOf([published('a.io/empty:1', [])]);
    assert.equal([...store.images.values()][0]?.topLayer, undefined);
    const [listed] = JSON.parse(serializeIndex(store).images.toString()) as object[];
    assert.ok(listed !== undefined && !('layer' in listed));
  });

  it('gives a name that several images have to the one with the shortest public name', () => {
    const name = { name: 'quay.io/lab/tool:1' };
    const plain = published('quay.io/lab/tool:1', ['plain'], name);
    const below = published('team/quay.io/lab/tool:1', ['below'], name);
    for (const images of [
      [plain, below],
      [below, plain],
    ]) {
      const store = storeOf(images);
      assert.deepEqual([...store.images.keys()], [plain.record.config.digest.slice(7)]);
    }
    assert.equal(storeOf([below]).images.size, 1);
  });

  it('has one record for images with one config and several manifests, found by each digest', () => {
    const gzip = published('a.io/a:1', ['x']);
    const zstd = published('b.io/longer:1', [layerRecord('x as zstd', 'x')], {
      index: { digest: digestOf('index'), size: 7 },
    });
    const store = storeOf([zstd, gzip]);
    const [image] = store.images.values();
    assert.equal(store.images.size, 1);
    assert.deepEqual(
      [...(image?.documents ?? [])].map(([key, { digest }]) => [key, digest]),
      [
        [gzip.record.config.digest, gzip.record.config.digest],
        ['manifest', gzip.record.manifest.digest],
        [`manifest-${zstd.record.manifest.digest}`, zstd.record.manifest.digest],
        [`manifest-${digestOf('index')}`, digestOf('index')],
      ],
    );
  });

  it('keeps what was listed before, and adds to it', () => {
    const gzip = published('a.io/lab/tool:1', ['base', 'x']);
    const zstd = published('a.io/lab/tool:2', ['base', layerRecord('x as zstd', 'x')]);
    const pinned = published('b.io/lab/other:1', ['y'], { name: `b.io/lab/other@${digestOf('index')}` });
    const id = gzip.record.config.digest.slice(7);
    const before = storeOf([gzip, pinned]);
    assert.deepEqual(storeOf([pinned, gzip], before), before);

    const both = storeOf([zstd, gzip, pinned], before);
    const keys = [gzip.record.config.digest, 'manifest', `manifest-${zstd.record.manifest.digest}`];
    assert.deepEqual([...(both.images.get(id)?.documents.keys() ?? [])], keys);
    assert.equal(both.images.get(id)?.manifest, gzip.record.manifest.digest);
    assert.deepEqual(both.layers, before.layers);

    const moved = storeOf([published('a.io/lab/tool:2', ['z'])], both);
    const names = [...moved.images.values()].flatMap((image) => image.names);
    assert.deepEqual(names.sort(), [
      'a.io/lab/tool:2',
      `a.io/lab/tool@${gzip.record.manifest.digest}`,
      `b.io/lab/other@${digestOf('index')}`,
    ]);
    for (const [layer, stored] of both.layers) assert.equal(moved.layers.get(layer), stored);
  });

  it('gives no name twice, also where an image that is published has that of one from before', () => {
    const index = `a.io/lab/tool@${digestOf('index')}`;
    const before = storeOf([published('a.io/lab/tool:1', ['x'], { name: index })]);
    const after = storeOf([published('a.io/lab/tool:1', ['y'], { name: index })], before);
    assert.deepEqual(
      [...after.images.values()].map(({ names }) => names).sort((one, other) => one.length - other.length),
      [[], [index]],
    );
  });

  it('lists layers in one order, whatever was published first', () => {
    const images = [
      published('a.io/a:1', ['base', 'top', 'more']),
      published('a.io/b:1', ['base', 'other']),
      published('a.io/c:1', ['lone']),
    ];
    const listed = (order: readonly PublishedImage[]): string[] => {
      const store = order.reduce<Store | undefined>((before, image) => storeOf([image], before), undefined);
      return [...(store?.layers.keys() ?? [])];
    };
    assert.equal(listed(images).length, 5);
    assert.deepEqual(listed(images.toReversed()), listed(images));
    assert.deepEqual(listed(images), [...storeOf(images).layers.keys()]);
  });

  it('does not depend on the order of what is published', () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = pseudoRandom(seed);
    const pick = (): string => `layer ${Math.floor(random() * 12)}`;
    const images = Array.from({ length: 60 }, (_, index): PublishedImage => {
      const layers = Array.from({ length: Math.floor(random() * 6) }, () => {
        const name = pick();
        return random() < 0.2 ? layerRecord(`${name} recompressed`, name) : layerRecord(name);
      });
      return published(`${random() < 0.3 ? 'team/' : ''}quay.io/lab/image:${index}`, layers, {
        name: `quay.io/lab/image:${Math.floor(index / 2)}`,
      });
    });
    const books = serializeIndex(storeOf(images));
    const shuffled = images.map((image) => ({ image, at: random() })).sort((one, other) => one.at - other.at);
    assert.deepEqual(serializeIndex(storeOf(shuffled.map(({ image }) => image))), books, `seed ${seed}`);
    const listed = JSON.parse(books.images.toString()) as { names: string[]; layer?: string }[];
    const names = listed.flatMap((image) => image.names);
    assert.equal(new Set(names).size, names.length, `seed ${seed}`);
    const layers = JSON.parse(books.layers.toString()) as { id: string; parent?: string }[];
    const seen = new Set<string | undefined>([undefined]);
    for (const { id, parent } of layers) {
      assert.ok(seen.has(parent), `seed ${seed}: ${id} comes before its parent`);
      seen.add(id);
    }
    for (const { layer } of listed) assert.ok(seen.has(layer), `seed ${seed}`);
  });
});

describe('publisher/outputs/podman/store: outputs/podman/json', () => {
  const image = published('quay.io/lab/tool:1', ['base', layerRecord('top')]);
  const books = serializeIndex(storeOf([image]));
  const [base = '', top = ''] = layerIds([layerRecord('base').diffId, layerRecord('top').diffId]);

  it('lists images as containers/storage reads them', () => {
    const { config, manifest } = image.record;
    assert.deepEqual(JSON.parse(books.images.toString()), [
      {
        id: config.digest.slice(7),
        digest: manifest.digest,
        names: ['quay.io/lab/tool:1'],
        layer: top,
        created: '2024-01-02T03:04:05.000Z',
        'big-data-names': [config.digest, 'manifest'],
        'big-data-sizes': { [config.digest]: 10, manifest: 20 },
        'big-data-digests': { [config.digest]: config.digest, manifest: manifest.digest },
      },
    ]);
  });

  it('lists layers as containers/storage reads them, parents first', () => {
    const common = {
      created: '1970-01-01T00:00:00.000Z',
      'compressed-size': 100,
      'diff-size': 1000,
      compression: 2,
    };
    assert.deepEqual(JSON.parse(books.layers.toString()), [
      {
        id: base,
        ...common,
        'compressed-diff-digest': digestOf('blob base'),
        'diff-digest': digestOf('content base'),
      },
      {
        id: top,
        parent: base,
        ...common,
        'compressed-diff-digest': digestOf('blob top'),
        'diff-digest': digestOf('content top'),
      },
    ]);
  });

  it('is what JSON.stringify makes of each item, a line each, however many and long they are', () => {
    const index = { digest: digestOf('index'), size: 30 };
    const names = Array.from(
      { length: 150 },
      (_, number) => `quay.io/lab/${'long-'.repeat(40)}name:${number}`,
    );
    const many = [
      ...names.map((name) => published(name, ['base', 'top'], { index })),
      ...names.map((name, number) => published(`b${name}`, [`other ${number}`])),
      published('a.io/empty:1', []),
    ];
    const { images, layers } = serializeIndex(storeOf(many));
    for (const [book, items] of [
      [images, 152],
      [layers, 152],
    ] as const) {
      const text = book.toString();
      const listed = JSON.parse(text) as object[];
      assert.equal(listed.length, items);
      assert.equal(text, `[${listed.map((item) => JSON.stringify(item)).join(',\n')}]\n`);
    }
    const [longest] = (JSON.parse(images.toString()) as { names: string[] }[])
      .map((image) => image.names)
      .sort((one, other) => other.length - one.length);
    assert.deepEqual(longest, names.toSorted());
  });

  it('has locks of 64 bytes, which change with their list', () => {
    assert.match(lockOf(books.images).toString(), /^[0-9a-f]{64}$/);
    assert.equal(lockOf(Buffer.from('x')).toString(), hex('x'));
  });

  it('is empty lists for a store without images', () => {
    const none = serializeIndex(storeOf([]));
    assert.deepEqual([none.images.toString(), none.layers.toString()], ['[]\n', '[]\n']);
  });
});

const BASE: Digest = 'sha256:a86583c15e7e0059e675f74f1529bc53feb25440a429f9acaae142891bfbac36';
const ABOVE: Digest = 'sha256:ab5608ccad0bc464d61f232bb1490f22e7110c19e0d222b1f6f5b1bc5c471da5';
/** As podman 4.3.1 named the layer when it pulled an image of these two. */
const PULLED = '1c1cc10538916ab698c48894732d46f1ac961bab74980e1829533a0b8c1f0acd';

describe('publisher/outputs/podman/store: outputs/podman/layer-ids', () => {
  it('are those of a pulled image', () => {
    assert.deepEqual(layerIds([BASE, ABOVE]), [BASE.slice(7), PULLED]);
  });

  it('are of their own for the same layer over others, and twice in an image', () => {
    const ids = [...layerIds([BASE, ABOVE, ABOVE]), ...layerIds([ABOVE, BASE])];
    assert.equal(new Set(ids).size, 5);
  });

  it('are none for an image without layers', () => {
    assert.deepEqual(layerIds([]), []);
  });
});
