import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSource } from '../../../wishlist/sources/fetch-file.ts';
import { readStatus } from '../../../daemon/status/report.ts';
import type { State } from '../../../daemon/state/state.ts';
import { DaemonRig } from '../../support/daemon/rig.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { recipeText } from '../../support/git/upstream.ts';
import { artifact, artifactIndex, buildCacheIndex } from '../../support/images/artifact.ts';
import { image, type Image } from '../../support/images/image.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { openState } from '../../../daemon/state/open-state.ts';

const DAY_MS = 86_400_000;
const REPOSITORY = 'images.unpackd.test';
const HEX = '0123456789abcdef'.repeat(4);
const IMAGE_CONFIG = 'application/vnd.oci.image.config.v1+json';
const EMPTY = 'application/vnd.oci.empty.v1+json';

const SIGNATURE = artifact({
  configType: IMAGE_CONFIG,
  layerType: 'application/vnd.dev.cosign.simplesigning.v1+json',
});
const SBOM = artifact({ configType: EMPTY, artifactType: 'application/spdx+json' });

/** What only its manifest tells. */
const ARTIFACTS: Readonly<Record<string, Image>> = {
  chart: artifact({ configType: 'application/vnd.cncf.helm.config.v1+json' }),
  oras: artifact({ configType: EMPTY, artifactType: 'application/vnd.example.thing' }),
  'old-oras': artifact({ configType: 'application/vnd.unknown.config.v1+json' }),
  signature: SIGNATURE,
  buildcache: artifact({ configType: 'application/vnd.buildkit.cacheconfig.v0' }),
  'buildcache-index': buildCacheIndex(),
  referrers: artifactIndex([
    { image: SIGNATURE, entry: { artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json' } },
    { image: SBOM },
  ]),
  attestations: artifactIndex([
    { image: SBOM, entry: { platform: { os: 'unknown', architecture: 'unknown' } } },
  ]),
};

/** What its tag tells. */
const BY_FORM = ['', '.sig', '.att', '.sbom'].map((suffix) => `sha256-${HEX}${suffix}`);

describe('daemon/service/artifacts', function () {
  this.timeout(120_000);
  let registry: TestRegistry;
  let recipe: string;
  let rig: DaemonRig;

  beforeEach(async () => {
    registry = await TestRegistry.start();
    recipe = join(await temporaryDirectory('wishes'), 'recipe.yaml');
    rig = await DaemonRig.make({ sources: [fileSource({ name: 'lab', path: recipe })] });
    await mkdir(join(rig.root, REPOSITORY), { recursive: true });
    registry.add('lab/tool', '1.0', await imageOf('one'));
    for (const [tag, thing] of Object.entries(ARTIFACTS)) registry.add('lab/tool', tag, thing);
    for (const tag of BY_FORM) registry.add('lab/tool', tag, SIGNATURE);
    await wish('lab/tool:*');
  });
  afterEach(async () => {
    await rig.stop();
    await registry.close();
  });

  async function imageOf(content: string): Promise<Image> {
    return image({ layers: [await layer([file('version', content)])] });
  }

  async function wish(...names: readonly string[]): Promise<void> {
    await writeFile(recipe, recipeText(...names.map((name) => `http://${registry.host}/${name}`)));
  }

  function isPublished(name: string): boolean {
    return existsSync(join(rig.root, REPOSITORY, registry.host, name, 'version'));
  }

  async function withState<T>(work: (state: State) => Promise<T>): Promise<T> {
    const state = await openState(rig.state, assert.fail);
    try {
      return await work(state);
    } finally {
      await state.close();
    }
  }

  /** What the repository's status counts, and the names that are asked for. */
  async function counts(): Promise<unknown> {
    return await withState(async (state) => {
      const { repositories } = await readStatus(state, rig.state);
      const wishes = await state.wishes.of(REPOSITORY);
      const [{ images, pending, failing, unwanted } = assert.fail()] = repositories;
      return {
        images,
        pending: pending.length,
        failing: failing.map(({ publicName }) => publicName.replace(/.*:/, '')),
        unwanted: unwanted.length,
        wishes: wishes.map(({ publicName }) => publicName.replace(/.*:/, '')),
      };
    });
  }

  const FINE = { images: 1, pending: 0, failing: [], unwanted: 0, wishes: ['1.0'] };

  it('passes it over with a note for each way to know it, and counts it nowhere', async () => {
    await rig.start();
    assert.equal(isPublished('lab/tool:1.0'), true);
    const said = rig.said();
    assert.deepEqual(
      said.filter((line) => !line.startsWith('6 ') && !line.startsWith('7 ')),
      [],
    );
    const notes = said.filter((line) => line.includes('passed over'));
    assert.equal(notes.length, 2, notes.join('\n'));
    assert.match(notes[0] ?? '', /4 tags, such as "sha256-/);
    assert.match(notes[1] ?? '', /8 tags, such as "/);
    for (const kind of ['a Helm chart', 'a build cache', 'a signature', 'an attestation', 'an artifact'])
      assert.ok(notes[1]?.includes(kind), `${kind}: ${notes[1]}`);
    assert.deepEqual(await counts(), FINE);
  });

  it('asks for nothing that the tag tells, with one HEAD for the rest, and says nothing again', async () => {
    await rig.start();
    rig.said();
    assert.deepEqual(
      registry.requests().filter((line) => line.includes('sha256-')),
      [],
    );
    for (let time = 1; time <= 2; time += 1) {
      await rig.cycle();
      const manifests = registry.requests().filter((line) => !line.includes('tags/list'));
      const expected = ['1.0', ...Object.keys(ARTIFACTS)].map((tag) => `HEAD /v2/lab/tool/manifests/${tag}`);
      assert.deepEqual(manifests.sort(), expected.sort());
      assert.deepEqual(rig.said(), []);
      assert.deepEqual(await counts(), FINE);
    }
  });

  it('fails where somebody names it', async () => {
    await wish('lab/tool:*', 'lab/tool:chart', `lab/tool:${BY_FORM[1]}`);
    await rig.start();
    const failing = ['chart', BY_FORM[1]];
    const codes = await withState(async ({ attempts }) =>
      [...(await attempts.failing(REPOSITORY)).values()].map(({ failure }) => failure.code),
    );
    assert.deepEqual(codes, ['media-type-unsupported', 'media-type-unsupported']);
    assert.deepEqual(await counts(), { ...FINE, failing, wishes: ['1.0', 'chart', ...failing] });
    await wish('lab/tool:*');
    rig.nowMs += DAY_MS;
    await rig.cycle();
    assert.deepEqual(await counts(), FINE);
  });

  it('keeps what was an image before, and publishes what is one now', async () => {
    await rig.start();
    registry.add('lab/tool', 'chart', await imageOf('two'));
    registry.add('lab/tool', '1.0', SIGNATURE);
    await rig.cycle();
    assert.deepEqual([isPublished('lab/tool:1.0'), isPublished('lab/tool:chart')], [true, true]);
    await rig.cycle();
    assert.deepEqual(await counts(), { ...FINE, images: 2, wishes: ['chart'] });
  });
});
