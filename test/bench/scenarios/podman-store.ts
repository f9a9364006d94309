import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { manifestPath } from '../../../publisher/image/layout.ts';
import {
  encodeRecord,
  type LayerRecord,
  imageRecordPath,
} from '../../../publisher/outputs/podman/image-record.ts';
import { documentPath, storeRoot } from '../../../publisher/outputs/podman/paths.ts';
import { hexOf, type Digest } from '../../../core/oci/digest.ts';
import { image } from '../../support/images/image.ts';
import { directory, file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { serveImages } from '../../support/images/read-only-registry.ts';
import { ImageStore } from '../../support/images/store.ts';
import { findProgram } from '../../support/programs.ts';
import { ownStorage, unmount } from '../contenders/containers.ts';
import { runUnpackd, writeRecipe } from '../contenders/unpackd.ts';
import { medianOf, type Gauge, type Measurement } from '../measure.ts';
import { aimNote } from '../aims.ts';
import type { Bench, Row, Scenario } from '../scenario.ts';

const IMAGES = 5000;
const LAYERS = 12;
/** Of each image: those that it shares with a hundred others. */
const SHARED_LAYERS = 4;
const FAMILY = 100;
const MOST_SECONDS = 2;
const MOST_MEGABYTES = 300;
const REPOSITORY = 'bench.local';

/**
 * One image more in a store of 5,000, against the same publication without a store: what the store costs. The images are
 * made up, but for what is added; their store is made by unpackd itself.
 */
export const podmanStore: Scenario = {
  name: 'podman-store',
  summary: `one image more in a podman store of ${IMAGES} images`,
  run: benchStore,
};

async function benchStore({ gauge, folder, runs, scaled }: Bench): Promise<Row[]> {
  const work = mkdtempSync(join(folder, 'store-'));
  const root = join(work, 'root');
  const images = scaled(IMAGES);
  for (let index = 0; index < images; index++) publishSynthetic(join(root, REPOSITORY), index);
  const registry = await serveImages(await newImages(runs));
  try {
    const publish = async (tag: string, ...more: readonly string[]): Promise<Measurement> => {
      const recipe = writeRecipe(work, REPOSITORY, [`http://${registry.host}/bench/new:${tag}`]);
      const places = ['--root', root, '--state', join(work, 'state')];
      return (await runUnpackd(gauge, ['convert', recipe, ...places, ...more])).measurement;
    };
    const first = await publish('first');
    const [added, without]: [Measurement[], Measurement[]] = [[], []];
    for (let run = 0; run < runs; run++) {
      without.push(await publish(`without-${run}`, '--skip-podman'));
      added.push(await publish(`with-${run}`));
    }
    const job = `podman store of ${images} images`;
    return [
      { job: `${job}, made`, program: 'unpackd', runs: [first] },
      { job: `${job}, one more`, program: 'unpackd', runs: added, note: noteOn(added, without) },
      { job: `${job}, one more`, program: 'unpackd --skip-podman', runs: without },
      ...(await list(gauge, work, { store: join(root, REPOSITORY, storeRoot('')), images })),
    ];
  } finally {
    await registry.close();
  }
}

function noteOn(added: readonly Measurement[], without: readonly Measurement[]): string {
  const { seconds, peakBytes } = medianOf(added);
  const cost = seconds - medianOf(without).seconds;
  return `${aimNote('seconds of the store', cost, MOST_SECONDS)}; ${aimNote('MB', peakBytes / 1e6, MOST_MEGABYTES)}`;
}

/** How long podman takes to list all of them. */
async function list(
  gauge: Gauge,
  work: string,
  { store, images }: { readonly store: string; readonly images: number },
): Promise<Row[]> {
  if (findProgram('podman') === undefined) return [];
  const { environment, graph } = ownStorage(
    work,
    `[storage.options]\nadditionalimagestores = ["${store}"]\n`,
  );
  const { measurement } = await gauge.run({ words: ['podman', 'images', '--quiet'], environment });
  unmount(graph);
  return [{ job: `podman images, ${images} images`, program: 'podman', runs: [measurement] }];
}

async function newImages(runs: number): Promise<ImageStore> {
  const store = new ImageStore();
  for (const tag of ['first', ...Array.from({ length: runs }, (_, run) => run).flatMap(bothTags)]) {
    const layers = [await layer([directory('etc/'), file('etc/release', tag)])];
    store.add('bench/new', image({ layers }), tag);
  }
  return store;
}

function bothTags(run: number): string[] {
  return [`without-${run}`, `with-${run}`];
}

/** What stands in a repository of an image that unpackd published, but for its trees. */
function publishSynthetic(repository: string, index: number): void {
  const name = `quay.io/group-${index % 50}/image-${index}:1.0`;
  const layers = Array.from({ length: LAYERS }, (_, place) => layerOf(index, place));
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      created: '2024-01-01T00:00:00Z',
      config: { Env: ['PATH=/usr/bin'], Labels: { index: String(index) } },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: descriptor('application/vnd.oci.image.config.v1+json', digestOf(config), config.length),
      layers: layers.map(({ digest, size }) =>
        descriptor('application/vnd.oci.image.layer.v1.tar+gzip', digest, size),
      ),
    }),
  );
  const record = encodeRecord({
    name,
    config: { digest: digestOf(config), size: config.length },
    manifest: { digest: digestOf(manifest), size: manifest.length },
    created: '2024-01-01T00:00:00.000Z',
    layers,
  });
  const id = hexOf(digestOf(config));
  const files: [string, Buffer][] = [
    [manifestPath(name), manifest],
    [imageRecordPath(name), record],
    [documentPath(storeRoot(name), id, digestOf(config)), config],
  ];
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), bytes);
  }
}

function layerOf(image: number, place: number): LayerRecord {
  const owner = place < SHARED_LAYERS ? `family ${image % FAMILY}` : `image ${image}`;
  return {
    digest: digestOf(`blob ${place} of ${owner}`),
    size: 12_345_678,
    diffId: digestOf(`content ${place} of ${owner}`),
    diffSize: 45_678_901,
    compression: 'gzip',
  };
}

function descriptor(mediaType: string, digest: Digest, size: number): object {
  return { mediaType, digest, size };
}

function digestOf(content: string | Buffer): Digest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
