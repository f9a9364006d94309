import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { appraise, countFlaws, type Appraisal } from '../../../publisher/adoption/appraisal.ts';
import type { FlawKind } from '../../../publisher/adoption/flaws.ts';
import { flatPath, layerPath, manifestPath } from '../../../publisher/image/layout.ts';
import { DirectoryView } from '../../../publisher/publication/view.ts';
import { publishedReference } from '../../../publisher/published/published-image.ts';
import {
  byDigest,
  byPlatform,
  byTag,
  duccImage,
  DuccRepository,
  type DuccImage,
} from '../../support/ducc/repository.ts';
import { directory, file, whiteout } from '../../support/images/layer-entry.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const NAME = 'quay.io/lab/tool:1';

/** What DUCC leaves of an image of two layers, and a store. */
const OF_DUCC: readonly (readonly [FlawKind, number])[] = [
  ['manifest-rewritten', 1],
  ['layer-foreign', 2],
  ['whiteouts-literal', 1],
  ['chain-foreign', 2],
  ['flat-foreign', 1],
  ['start-up-missing', 1],
  ['store-foreign', 1],
];

describe('publisher/adoption/appraisal', () => {
  let root: string;
  let image: DuccImage;
  let ducc: DuccRepository;

  before(async () => {
    image = await duccImage([
      [directory('opt'), file('opt/a', 'a'), file('opt/b', 'b')],
      [directory('opt'), whiteout('opt/a')],
    ]);
  });

  beforeEach(async () => {
    root = await temporaryDirectory('appraisal');
    ducc = new DuccRepository(root);
  });

  async function appraised(): Promise<Appraisal> {
    const options = { referenceOf: publishedReference, onImage: () => undefined };
    return await appraise(new DirectoryView(root), options);
  }

  function put(path: string, text: string): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }

  function remove(path: string): void {
    rmSync(join(root, path), { recursive: true });
  }

  const configOf = ({ image: { manifest } }: DuccImage): `sha256:${string}` =>
    (JSON.parse(manifest.bytes.toString()) as { config: { digest: `sha256:${string}` } }).config.digest;
  const firstLayer = (): `sha256:${string}` => image.image.layers[0]?.digest ?? 'sha256:';

  const cases: Readonly<
    Record<
      string,
      { change: () => void; less?: readonly FlawKind[]; more?: Partial<Record<FlawKind, number>> }
    >
  > = {
    'what DUCC publishes': { change: () => undefined },
    'the manifest as the registry serves it': {
      change: () => put(manifestPath(NAME), image.image.manifest.bytes.toString()),
      less: ['manifest-rewritten'],
    },
    'a layer that is gone': {
      change: () => remove(layerPath(firstLayer())),
      more: { 'layer-missing': 1, 'layer-foreign': 1 },
    },
    'a flat tree that is gone': {
      change: () => remove(flatPath(configOf(image))),
      less: ['flat-foreign', 'start-up-missing'],
      more: { 'flat-missing': 1 },
    },
    'a public name that leads elsewhere': {
      change: () => {
        unlinkSync(join(root, NAME));
        symlinkSync('../../.flat/ab/abc', join(root, NAME));
      },
      more: { 'name-elsewhere': 1 },
    },
    'a public name that leads out of the repository': {
      change: () => {
        unlinkSync(join(root, NAME));
        symlinkSync(`../../../../../..${join(root, flatPath(configOf(image)))}`, join(root, NAME));
      },
      more: { 'name-elsewhere': 1 },
    },
    'a store that is gone': { change: () => remove('podmanStore'), less: ['store-foreign'] },
    'a store of unpackd': {
      change: () => put('podmanStore/.unpackd.json', '{"format":1}\n'),
      less: ['store-foreign'],
    },
    'a layer that unpackd recorded': {
      change: () => put(layerPath(firstLayer()).replace(/^\.layers/, '.unpackd/layers'), '2\n'),
      more: { 'layer-foreign': 1 },
    },
  };
  for (const [what, { change, less = [], more = {} }] of Object.entries(cases))
    it(`finds what is wrong with ${what}`, async () => {
      ducc.publish(image, byTag(NAME));
      change();
      const expected = { ...Object.fromEntries(OF_DUCC), ...more };
      for (const kind of less) delete expected[kind];
      const appraisal = await appraised();
      assert.deepEqual(Object.fromEntries(countFlaws(appraisal)), expected);
      assert.equal(appraisal.images.length, 1);
      assert.deepEqual(appraisal.others, []);
    });

  it('counts a tree once that images share', async () => {
    for (const tag of ['1', '2', '3']) ducc.publish(image, byTag(`quay.io/lab/tool:${tag}`));
    const counts = countFlaws(await appraised());
    assert.equal(counts.get('manifest-rewritten'), 3);
    assert.equal(counts.get('layer-foreign'), 2);
    assert.equal(counts.get('flat-foreign'), 1);
  });

  it('tells the forms in which an image is there', async () => {
    ducc.publish(image, byTag(NAME));
    assert.deepEqual(
      (await appraised()).images.map((one) => [...one.image.outputs].toSorted()),
      [['chains', 'flat', 'layers', 'podman']],
    );
    for (const path of ['podmanStore', '.chains']) remove(path);
    assert.deepEqual(
      (await appraised()).images.map((one) => [...one.image.outputs].toSorted()),
      [['flat', 'layers']],
    );
  });

  it('finds images of DUCC 2.14 by their usual names, and which manifests are then of no use', async () => {
    ducc.publish(image, byPlatform(NAME, 'amd64'));
    ducc.publish(image, byPlatform(NAME, 'arm64:v8'));
    const { images, others, duplicates } = await appraised();
    const names = images.map((one) => one.image.publicName);
    assert.deepEqual(names.toSorted(), [`.multiarch/arm64/${NAME}`, NAME]);
    assert.deepEqual(others, []);
    assert.deepEqual(
      duplicates,
      new Map([
        [`.multiarch/amd64/${NAME}`, [NAME]],
        [`.multiarch/arm64:v8/${NAME}`, [`.multiarch/arm64/${NAME}`]],
      ]),
    );
  });

  it('finds what DUCC has pinned by its link, since its manifest may be of another image', async () => {
    const { digest } = image.image.manifest;
    ducc.publish(image, byDigest('quay.io/lab/tool', digest));
    const { images, others, duplicates } = await appraised();
    assert.deepEqual(images, []);
    assert.deepEqual(
      others.map(({ name, madeBy, pinned }) => [name, madeBy, pinned?.digest]),
      [[`quay.io/lab/tool:${digest}`, 'ducc', digest]],
    );
    assert.deepEqual([...duplicates], [['quay.io/lab/tool', [`quay.io/lab/tool@${digest}`]]]);
  });

  it('leaves metadata alone of which no name says what it is', async () => {
    ducc.publish(image, byDigest('quay.io/lab/tool', image.image.manifest.digest));
    remove('quay.io');
    const { others, duplicates } = await appraised();
    assert.deepEqual(
      others.map(({ name, pinned, flaws }) => [name, pinned, flaws.map(({ kind }) => kind)]),
      [['quay.io/lab/tool', undefined, ['name-missing']]],
    );
    assert.equal(duplicates.size, 0);
  });

  const unreadable: Readonly<Record<string, string>> = {
    'cut short': '{"SchemaVersion":2,"Config',
    empty: '',
    'an index': '{"schemaVersion":2,"manifests":[]}',
    'of something else': '[]',
  };
  for (const [what, text] of Object.entries(unreadable))
    it(`says of an image that its manifest is ${what}`, async () => {
      ducc.publish(image, byTag(NAME));
      put(manifestPath(NAME), text);
      const { images, others } = await appraised();
      assert.deepEqual(images, []);
      assert.deepEqual(
        others.map(({ name, flaws }) => [name, flaws.map(({ kind }) => kind)]),
        [[NAME, ['manifest-unreadable']]],
      );
    });

  it("knows the OSG's images by where their names lead, and passes over other links", async () => {
    ducc.publishOfOsg('library/debian:12', 'twelve');
    ducc.link('software/latest', '1.0');
    ducc.link('lost/quay.io/lab/tool:1', '../../../.flat/ab/abcd');
    const { others } = await appraised();
    assert.deepEqual(Object.fromEntries(others.map(({ name, madeBy }) => [name, madeBy])), {
      'library/debian:12': 'osg',
      'lost/quay.io/lab/tool:1': 'unknown',
    });
  });
});
