import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { collect } from '../../../publisher/collection/collect.ts';
import type { CollectionReport } from '../../../publisher/collection/report.ts';
import { flatPath, layerPath, manifestPath } from '../../../publisher/image/layout.ts';
import type { RepositoryPublisher } from '../../../publisher/pipeline/repository-publisher.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import {
  digestOf,
  FOREIGN,
  REPOSITORY,
  SyntheticRepository,
  type SyntheticImage,
} from './synthetic-repository.ts';

const APP = 'reg.example/app:1';
const KINDS = ['layers', 'chains', 'flat'];

describe('publisher/collection/references', () => {
  let repository: SyntheticRepository;
  let publisher: RepositoryPublisher;
  let app: SyntheticImage;
  /** Nothing refers to it. */
  let stray: SyntheticImage;

  beforeEach(async () => {
    repository = new SyntheticRepository(await temporaryDirectory('references'));
    publisher = await repository.publisher();
    app = repository.image(APP, ['base', 'one']);
    stray = repository.image('reg.example/stray:1', ['stray', 'top']);
    repository.remove('reg.example/stray:1');
  });
  afterEach(() => publisher.close());

  /** Takes away everything that nothing refers to. */
  async function collected(): Promise<CollectionReport> {
    return await collect(publisher, { graceMs: 0, nowMs: Date.now(), isDryRun: false });
  }

  const flatOf = ({ config }: SyntheticImage): string => flatPath(config);
  const layer = layerPath(digestOf('stray'));
  const layerTree = `layers/${layer.slice(-64)}`;
  const of = (kind: string): string[] => stray.trees.filter((tree) => tree.startsWith(kind));

  interface Case {
    readonly put: () => void;
    /** Trees of the stray image that stay for it. */
    readonly stays: () => readonly string[];
  }
  const nothing = (): string[] => [];

  const links: Readonly<Record<string, Case>> = {
    'no link at all': { put: () => undefined, stays: nothing },
    'a link at the root': {
      put: () => repository.link('latest', flatOf(stray)),
      stays: () => of('flat'),
    },
    'a link that leads into a tree': {
      put: () => repository.link('a/b/tool', `../../${flatOf(stray)}/usr/bin/tool`),
      stays: () => of('flat'),
    },
    'a link that leads there and back': {
      put: () => repository.link('x', `a/./../../${REPOSITORY}//${layer}/`),
      stays: () => [layerTree],
    },
    'an absolute link, as clients see it': {
      put: () => repository.link('x', `/cvmfs/${REPOSITORY}/${layer}/layerfs`),
      stays: () => [layerTree],
    },
    'an absolute link by another root': {
      put: () => repository.link('x', `/srv/export/${REPOSITORY}/${layer}`),
      stays: () => [layerTree],
    },
    'a link to a link': {
      put: () => {
        repository.link('stable', flatOf(stray));
        repository.link('latest', 'stable');
      },
      stays: () => of('flat'),
    },
    'a link with a variable before it': {
      put: () => repository.link('x', `$(SITE_ROOT:-.)/${layer}`),
      stays: () => [layerTree],
    },
    'a link whose variable has it as its value': {
      put: () => repository.link('x', `$(TREE:-${flatOf(stray)})`),
      stays: () => of('flat'),
    },
    'a link beside other trees': {
      put: () => repository.link('.flat/latest', flatOf(stray).slice('.flat/'.length)),
      stays: () => of('flat'),
    },
    'a link among other trees': {
      put: () => repository.link('.chains/0f/tool', `../../${flatOf(stray)}`),
      stays: () => of('flat'),
    },
    'a link beside the tree of a layer': {
      put: () => repository.link(`${repository.layer('base')}/tool`, `../../../${flatOf(stray)}`),
      stays: nothing,
    },
    'a link of another platform': {
      put: () => repository.link('.multiarch/arm64/reg.example/stray:1', `../../../${flatOf(stray)}`),
      stays: () => of('flat'),
    },
    'a link of the name for all platforms': {
      put: () => repository.link('reg.example/x:1', '../.multiarch/$(CVMFS_ARCH:-amd64)/reg.example/x:1'),
      stays: nothing,
    },
    'a link of any bytes': {
      put: () => repository.link('\u00ff', Buffer.from(`\u00fe/../${layer}`, 'latin1').toString('latin1')),
      stays: () => [layerTree],
    },
    'a link to all flat trees': { put: () => repository.link('all', '.flat'), stays: () => of('flat') },
    'a link to some flat trees': {
      put: () => repository.link('some/of', '../.flat/0a/'),
      stays: () => of('flat'),
    },
    'a link to layers of one beginning, by the root of clients': {
      put: () => repository.link('some', `/cvmfs/${REPOSITORY}/.layers/ab`),
      stays: () => of('layers'),
    },
    'a link to chains by a variable': {
      put: () => repository.link('some', '.chains/$(PREFIX)/x'),
      stays: () => of('chains'),
    },
    'a link to all trees of another repository': {
      put: () => repository.link('other', '/cvmfs/other.example/.flat'),
      stays: nothing,
    },
    'a link out of the repository': { put: () => repository.link('out', '../../../etc'), stays: nothing },
    'a link to its own folder': { put: () => repository.link('a/self', '.'), stays: nothing },
    'links in a circle': {
      put: () => {
        repository.link('one', 'other');
        repository.link('other', 'one');
      },
      stays: nothing,
    },
    'a file of that name': { put: () => repository.file('x', flatOf(stray)), stays: nothing },
    'a link within a tree': {
      put: () => repository.link(`${flatOf(app)}/x`, `../../../${flatOf(stray)}`),
      stays: nothing,
    },
    'documents of an image that was taken back': {
      put: () => repository.link('.unpackd/removed/x/link', `../../../${flatOf(stray)}`),
      stays: nothing,
    },
  };
  for (const [what, { put, stays }] of Object.entries(links)) {
    it(`keeps the trees that it refers to, and no other, for ${what}`, async () => {
      put();
      const { blocked } = await collected();
      assert.deepEqual(repository.trees().sort(), [...app.trees, ...stays()].sort());
      assert.equal(blocked.length, /all flat|some flat|one beginning|by a variable/.test(what) ? 1 : 0);
    });
  }

  const manifests: Readonly<Record<string, Case>> = {
    'by its digest': {
      put: () => repository.image(`reg.example/stray@${digestOf('x')}`, ['stray', 'top']),
      stays: () => stray.trees,
    },
    'for another platform': {
      put: () => repository.image('.multiarch/arm64/reg.example/stray:1', ['stray', 'top']),
      stays: () => stray.trees,
    },
    'without a public name': {
      put: () => {
        repository.image('reg.example/stray:1', ['stray', 'top']);
        rmSync(repository.path('reg.example/stray:1'));
      },
      stays: () => stray.trees,
    },
    'below another image’s folder': {
      put: () => repository.image(`${APP}/more/stray:1`, ['stray', 'top']),
      stays: () => stray.trees,
    },
    'below a folder called manifest.json': {
      put: () => repository.image('reg.example/manifest.json/stray:1', ['stray', 'top']),
      stays: () => stray.trees,
    },
    'over its first layer': {
      put: () => repository.image('reg.example/other:1', ['stray']),
      stays: () => [layerTree, ...of('chains').slice(0, 1), `flat/${digestOf('stray').slice(7)}`],
    },
  };
  for (const [what, { put, stays }] of Object.entries(manifests)) {
    it(`keeps all trees of an image that is published ${what}`, async () => {
      rmSync(repository.path(APP), { recursive: true });
      rmSync(dirname(repository.path(manifestPath(APP))), { recursive: true });
      put();
      await collected();
      assert.deepEqual(repository.trees().sort(), [...stays()].sort());
    });
  }

  it('keeps the trees of an image with and without the layers that registries do not distribute', async () => {
    const partial = repository.image('reg.example/partial:1', ['foreign', 'own'], 'config');
    const whole = [digestOf('foreign'), digestOf('own')];
    const all = repository.image('reg.example/whole:1', ['not', 'own'], 'config');
    repository.remove('reg.example/whole:1');
    const layers = whole.map((digest, index) => ({ digest, ...(index === 0 ? { mediaType: FOREIGN } : {}) }));
    repository.file(
      manifestPath('reg.example/partial:1'),
      JSON.stringify({ config: { digest: partial.config }, layers }),
    );
    await collected();
    const flat = all.trees.filter((tree) => tree.startsWith('flat'));
    assert.deepEqual(repository.trees().sort(), [...app.trees, ...partial.trees, ...flat].sort());
  });

  const documents = 'reg.example/broken:1';
  const broken: Readonly<Record<string, { readonly put: () => void; readonly path?: string }>> = {
    'a manifest that is cut short': { put: () => repository.file(manifestPath(documents), '{"config":{') },
    'an empty manifest': { put: () => repository.file(manifestPath(documents)) },
    'a manifest without layers': {
      put: () => repository.file(manifestPath(documents), `{"config":{"digest":"${digestOf('x')}"}}`),
    },
    'a manifest of the first schema': {
      put: () => repository.file(manifestPath(documents), '{"schemaVersion":1,"fsLayers":[]}'),
    },
    'an index': { put: () => repository.file(manifestPath(documents), '{"manifests":[]}') },
    'a manifest that is a link to another place': {
      put: () => repository.link(manifestPath(documents), '/etc/hostname'),
    },
    'metadata that are a link out of the repository': {
      put: () => repository.link('.metadata/reg.example/more', '/srv/metadata'),
      path: '.metadata/reg.example/more',
    },
    'metadata that are a link to another folder': {
      put: () => repository.link('.metadata/reg.example/more', '../../backup'),
      path: '.metadata/reg.example/more',
    },
    'no metadata at all': {
      put: () => rmSync(repository.path('.metadata'), { recursive: true }),
      path: '.metadata',
    },
    'metadata that are a file': {
      put: () => {
        rmSync(repository.path('.metadata'), { recursive: true });
        repository.file('.metadata');
      },
      path: '.metadata',
    },
    'metadata that are somewhere else': {
      put: () => {
        rmSync(repository.path('.metadata'), { recursive: true });
        mkdirSync(repository.path('elsewhere'));
        repository.link('.metadata', 'elsewhere');
      },
      path: '.metadata',
    },
  };
  for (const [what, { put, path = manifestPath(documents) }] of Object.entries(broken)) {
    it(`marks and takes away nothing, and says why, for ${what}`, async () => {
      put();
      const before = repository.trees();
      const { blocked, publications } = await collected();
      assert.deepEqual(
        blocked.map((one) => one.path),
        [path],
      );
      assert.equal(publications, 0);
      assert.deepEqual(repository.trees(), before);
    });
  }

  it('looks into metadata that a link within them leads to', async () => {
    repository.image('reg.example/stray:1', ['stray', 'top']);
    repository.link('.metadata/other.example', 'reg.example');
    assert.deepEqual((await collected()).blocked, []);
    assert.deepEqual(repository.trees().sort(), [...app.trees, ...stray.trees].sort());
  });

  it('names every kind of tree, so that this test does', () => {
    assert.deepEqual([...new Set(stray.trees.map((tree) => tree.split('/')[0]))], KINDS);
  });
});
