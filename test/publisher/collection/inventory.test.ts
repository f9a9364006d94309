import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { collect } from '../../../publisher/collection/collect.ts';
import { planStep } from '../../../publisher/collection/plan.ts';
import type { CollectionReport } from '../../../publisher/collection/report.ts';
import { DirectoryView } from '../../../publisher/publication/view.ts';
import { recordPath, treePath } from '../../../publisher/image/layout.ts';
import type { RepositoryPublisher } from '../../../publisher/pipeline/repository-publisher.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { digestOf, SyntheticRepository, type SyntheticImage } from './synthetic-repository.ts';

const DAY = 24 * 60 * 60 * 1000;
const HEX = digestOf('stray').slice(7);
const LAYER = treePath('layers', HEX);

describe('publisher/collection/inventory', () => {
  let repository: SyntheticRepository;
  let publisher: RepositoryPublisher;
  let app: SyntheticImage;
  let stray: SyntheticImage;

  beforeEach(async () => {
    repository = new SyntheticRepository(await temporaryDirectory('inventory'));
    publisher = await repository.publisher();
    app = repository.image('reg.example/app:1', ['base', 'one']);
    stray = repository.image('reg.example/stray:1', ['stray']);
    repository.remove('reg.example/stray:1');
  });
  afterEach(() => publisher.close());

  async function collected(): Promise<CollectionReport> {
    return await collect(publisher, { graceMs: 0, nowMs: Date.now(), isDryRun: false });
  }

  describe('takes away nothing where all is gone for a moment', () => {
    /** As a release manager shows a folder while somebody else's publication mounts it anew. */
    class Unmounted extends DirectoryView {
      readonly #folder: string;

      constructor(root: string, folder: string) {
        super(root);
        this.#folder = folder;
      }

      override async list(path: string) {
        return path === this.#folder ? [] : await super.list(path);
      }
    }

    for (const of of [treePath, recordPath])
      for (const above of ['', '..', '../..'])
        it(`in ${join(of('layers', HEX).slice(0, -HEX.length), above)}`, async () => {
          const [, hex = ''] = app.trees[0]?.split('/') ?? [];
          const view = new Unmounted(repository.path(), join(of('layers', hex), '..', above));
          const options = { graceMs: DAY, nowMs: 0, isDryRun: false };
          const { publication } = await planStep({ view, clientRoot: '/', revision: undefined }, options);
          assert.deepEqual(publication?.outdated, []);
        });
  });

  const foreign: Readonly<Record<string, { readonly put: (path: string) => void; readonly path: string }>> = {
    'a file beside the layers': { put: (path) => repository.file(path), path: '.layers/notes.txt' },
    'a folder beside the layers': { put: (path) => repository.file(`${path}/x`), path: '.layers/old' },
    'a link beside the layers': { put: (path) => repository.link(path, 'nowhere'), path: '.layers/latest' },
    'a link for layers of one beginning': {
      put: (path) => repository.link(path, '../../elsewhere'),
      path: '.layers/00',
    },
    'a file among layers of one beginning': {
      put: (path) => repository.file(path),
      path: `.layers/${HEX.slice(0, 2)}/notes.txt`,
    },
    'a layer below another beginning': {
      put: (path) => repository.file(`${path}/layerfs/x`),
      path: `.layers/zz/${HEX}`.replace('zz', HEX.startsWith('00') ? '11' : '00'),
    },
    'a layer whose name is cut': {
      put: (path) => repository.file(`${path}/layerfs/x`),
      path: LAYER.slice(0, -1),
    },
    'a link in the place of a layer': {
      put: (path) => repository.link(path, '/etc'),
      path: treePath('layers', '0'.repeat(64)),
    },
    'a file in the place of a flat tree': {
      put: (path) => repository.file(path),
      path: treePath('flat', '0'.repeat(64)),
    },
    'a folder in the place of a record': {
      put: (path) => repository.file(`${path}/x`),
      path: recordPath('chains', '0'.repeat(64)),
    },
    'records of an output that nobody knows': {
      put: (path) => repository.file(`${path}/ab/x`),
      path: '.unpackd/squashfs',
    },
    'a file of a later version': { put: (path) => repository.file(path), path: '.unpackd/later.json' },
  };
  for (const [what, { put, path }] of Object.entries(foreign)) {
    it(`leaves ${what} alone, reports it, and takes away the rest`, async () => {
      put(path);
      const { notOurs } = await collected();
      const [said] = notOurs;
      assert.equal(notOurs.length, 1, JSON.stringify(notOurs));
      assert.ok(path.startsWith(said?.path ?? '?') || said?.path.startsWith(path) === true, said?.path);
      assert.ok(repository.has(path));
      assert.ok(!existsSync(repository.path(LAYER)));
      for (const tree of app.trees) assert.ok(repository.trees().includes(tree), tree);
    });
  }

  const beside: Readonly<Record<string, { readonly put: () => void; readonly stays: boolean }>> = {
    'nothing beside its tree': { put: () => undefined, stays: false },
    'all that unpackd has beside its tree': {
      put: () => {
        for (const file of ['.metadata/layers.json', '.metadata/origin.json', '.cvmfscatalog'])
          repository.file(`${LAYER}/${file}`);
      },
      stays: false,
    },
    'any file in its tree': { put: () => repository.file(`${LAYER}/layerfs/notes.txt`), stays: false },
    'a file of somebody': { put: () => repository.file(`${LAYER}/notes.txt`), stays: true },
    'a folder of somebody': { put: () => repository.file(`${LAYER}/extra/x`), stays: true },
    'a file of somebody in its metadata': {
      put: () => repository.file(`${LAYER}/.metadata/notes.txt`),
      stays: true,
    },
  };
  for (const [what, { put, stays }] of Object.entries(beside)) {
    it(`${stays ? 'keeps, and reports,' : 'takes away'} a layer with ${what}`, async () => {
      put();
      const { notOurs, waiting } = await collected();
      assert.equal(existsSync(repository.path(LAYER)), stays);
      assert.equal(repository.read(recordPath('layers', HEX)) !== undefined, stays);
      assert.equal(notOurs.filter(({ path }) => path.startsWith(LAYER)).length, stays ? 1 : 0);
      assert.deepEqual(
        waiting.map(({ name }) => name),
        stays ? [`layers/${HEX}`] : [],
      );
      assert.equal(repository.trees().length, app.trees.length + (stays ? 1 : 0));
    });
  }

  it('finds no tree through a folder of trees that is a link', async () => {
    repository.move('.flat', 'elsewhere');
    repository.link('.flat', 'elsewhere');
    const { notOurs, swept } = await collected();
    assert.deepEqual(
      notOurs.map(({ path }) => path),
      ['.flat'],
    );
    assert.deepEqual([...swept].sort(), stray.trees.filter((tree) => !tree.startsWith('flat')).sort());
    for (const tree of stray.trees.filter((one) => one.startsWith('flat')))
      assert.ok(repository.has(recordPath('flat', tree.slice('flat/'.length))));
  });

  it('writes nothing where the records are somewhere else', async () => {
    repository.move('.unpackd', 'elsewhere');
    repository.link('.unpackd', 'elsewhere');
    const { blocked, publications } = await collected();
    assert.deepEqual([blocked.map(({ path }) => path), publications], [['.unpackd'], 0]);
    assert.equal(repository.trees().length, app.trees.length + stray.trees.length);
  });

  it('leaves a repository alone that it has no record in', async () => {
    repository.move('.unpackd', 'elsewhere');
    const { notOurs, publications } = await collected();
    assert.deepEqual([notOurs.length, publications], [stray.trees.length, 0]);
  });
});
