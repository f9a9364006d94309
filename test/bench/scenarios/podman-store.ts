import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { manifestPath } from '../../publisher/image/layout.ts';
import {
  encodeRecord,
  type LayerRecord,
  imageRecordPath,
} from '../../publisher/outputs/podman/image-record.ts';
import { documentPath, storeRoot } from '../../publisher/outputs/podman/paths.ts';
import { hexOf, type Digest } from '../../core/oci/digest.ts';
import { image } from '../support/images/image.ts';
import { directory, file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { serveImages } from '../support/images/read-only-registry.ts';
import { ImageStore } from '../support/images/store.ts';
import { findProgram } from '../support/programs.ts';
import { measure, median, type Measurement } from './measure.ts';
import type { Row } from './report.ts';
import { unpackd, writeRecipe } from './unpackd.ts';

const IMAGES = 5000;
const LAYERS = 12;
/** Of each image: those that it shares with a hundred others. */
const SHARED_LAYERS = 4;
const FAMILY = 100;
const RUNS = 3;
const MOST_SECONDS = 2;
const MOST_BYTES = 300e6;
const REPOSITORY = 'bench.local';

/**
 * One image more in a store of 5,000, against the same publication without a store: what the store costs. The images are
 * made up, but for what is added; their store is made by unpackd itself.
 */
export async function benchPodmanStore(folder: string): Promise<Row[]> {
  const work = mkdtempSync(join(folder, 'store-'));
  const root = join(work, 'root');
  for (let index = 0; index < IMAGES; index++) publishSynthetic(join(root, REPOSITORY), index);
  const registry = await serveImages(await newImages());
  try {
    const publish = async (tag: string, more: readonly string[] = []): Promise<Measurement> => {
      const recipe = writeRecipe(work, REPOSITORY, [`http://${registry.host}/bench/new:${tag}`]);
      return await measure(
        unpackd('convert', recipe, '--root', root, '--state', join(work, 'state'), ...more),
      );
    };
    const first = await publish('first');
    let runs = 0;
    const without = await median(RUNS, async () => await publish(`without-${runs++}`, ['--skip-podman']));
    const added = await median(RUNS, async () => await publish(`with-${runs++}`));
    const cost = added.seconds - without.seconds;
    const isGood = cost < MOST_SECONDS && added.peakBytes < MOST_BYTES;
    const aim = `aim: ${MOST_SECONDS} s and ${MOST_BYTES / 1e6} MB${isGood ? '' : ', MISSED'}`;
    const job = `podman store of ${IMAGES} images`;
    return [
      { job: `${job}, made`, program: 'unpackd', measurement: first },
      {
        job: `${job}, one more`,
        program: 'unpackd',
        measurement: added,
        note: `${cost.toFixed(2)} s over the publication without store; ${aim}`,
      },
      { job: `${job}, one more`, program: 'unpackd --skip-podman', measurement: without },
      ...(await list(work, join(root, REPOSITORY, storeRoot('')))),
    ];
  } finally {
    await registry.close();
  }
}

/** How long podman takes to list all of them. */
async function list(work: string, store: string): Promise<Row[]> {
  if (findProgram('podman') === undefined) return [];
  const configuration = join(work, 'storage.conf');
  const [graph, run] = [join(work, 'graph'), join(work, 'run')];
  writeFileSync(
    configuration,
    `[storage]\ndriver = "overlay"\ngraphroot = "${graph}"\nrunroot = "${run}"\n[storage.options]\nadditionalimagestores = ["${store}"]\n`,
  );
  const environment = { CONTAINERS_STORAGE_CONF: configuration };
  const measurement = await measure(['podman', 'images', '--quiet'], environment);
  await measure(['sh', '-c', `umount -l '${join(graph, 'overlay')}' 2>/dev/null; true`]);
  return [{ job: `podman images, ${IMAGES} images`, program: 'podman', measurement }];
}

async function newImages(): Promise<ImageStore> {
  const store = new ImageStore();
  for (const tag of ['first', ...Array.from({ length: 2 * RUNS }, (_, run) => run).flatMap(bothTags)]) {
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
