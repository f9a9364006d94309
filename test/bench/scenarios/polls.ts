import { lstatSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { image, imageIndex } from '../../support/images/image.ts';
import { directory, file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { serveImages } from '../../support/images/read-only-registry.ts';
import { ImageStore } from '../../support/images/store.ts';
import { runUnpackd, writeRecipe } from '../contenders/unpackd.ts';
import type { Bench, Row, Scenario } from '../scenario.ts';

const TAGS = 10_000;
/** Images that the tags lead to: publishing is not what is measured. */
const IMAGES = 50;
const REPOSITORY = 'bench/many';

export const polls: Scenario = {
  name: 'polls',
  summary: `a cycle over ${TAGS.toLocaleString('en')} published tags, none of which has moved`,
  run: poll,
};

/**
 * A cycle over published images none of which has moved, each an index.
 *
 * @throws Error where one takes more than a HEAD request, or something is written into the repository
 */
async function poll({ gauge, folder, scaled }: Bench): Promise<Row[]> {
  const tags = scaled(TAGS);
  const registry = await serveImages(await manyTags(tags), { maximumPageSize: 1000 });
  try {
    const work = mkdtempSync(join(folder, 'polls-'));
    const recipe = writeRecipe(work, 'bench.local', [`http://${registry.host}/${REPOSITORY}:*`]);
    const places = ['--root', join(work, 'root'), '--state', join(work, 'state')];
    const convert = ['convert', recipe, ...places, '--pattern-limit', String(tags)];
    await runUnpackd(gauge, convert);
    const before = registry.requests.length;
    const published = newest(join(work, 'root', 'bench.local'));
    const { measurement } = await runUnpackd(gauge, convert);
    const requests = registry.requests.slice(before);
    const heads = requests.filter((line) => line.startsWith('HEAD ')).length;
    const lists = requests.filter((line) => line.includes('/tags/list')).length;
    if (heads !== tags || heads + lists !== requests.length) {
      throw new Error(`a poll of ${tags} tags made ${requests.length} requests, ${heads} of them HEAD`);
    }
    if (newest(join(work, 'root', 'bench.local')) !== published)
      throw new Error('a poll wrote something into the repository');
    const rate = Math.round(tags / measurement.seconds);
    const note = `${heads} HEAD, ${lists} pages of tags, nothing else and no write; ${rate} tags/s`;
    return [{ job: `poll of ${tags} tags`, program: 'unpackd', runs: [measurement], note }];
  } finally {
    await registry.close();
  }
}

/** When anything below `folder` was changed last, in ms since 1970. */
function newest(folder: string): number {
  let latest = lstatSync(folder).ctimeMs;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    latest = Math.max(latest, entry.isDirectory() ? newest(path) : lstatSync(path).ctimeMs);
  }
  return latest;
}

async function manyTags(tags: number): Promise<ImageStore> {
  const store = new ImageStore();
  for (let index = 0; index < IMAGES; index++) {
    const entries = [directory('etc/'), file('etc/release', `image ${index}\n`)];
    const layers = [await layer(entries)];
    const amd64 = { os: 'linux', architecture: 'amd64' };
    const arm64 = { os: 'linux', architecture: 'arm64' };
    const both = imageIndex([
      { image: image({ layers }), platform: amd64 },
      { image: image({ layers, config: arm64 }), platform: arm64 },
    ]);
    for (let tag = index; tag < tags; tag += IMAGES) store.add(REPOSITORY, both, `v${tag}`);
  }
  return store;
}
