import type { Target } from '../../e2e/hostile/hostile-case.ts';
import { randomOf, randomStack, type Random } from '../../publisher/tree/random-stacks.ts';
import type { FaultServer } from '../../support/registry/fault-server.ts';
import {
  OCI_CONFIG_TYPE,
  OCI_INDEX_TYPE,
  OCI_MANIFEST_TYPE,
  buildImage,
  buildIndex,
  describeBlob,
  digestOf,
  indexEntry,
  type TestImage,
  type TestLayer,
} from '../../support/registry/image.ts';
import { misbehave } from './behaviour.ts';
import { amount, oneIn, pick } from './choices.ts';
import { mutatedText, type Json } from './documents.ts';
import { packed, randomLayers } from './layers.ts';
import { wishOf } from './wishes.ts';

/** Somebody's images beside the good one: what a registry says of them, and what a recipe does. */
export interface Guest {
  /** For people. */
  readonly what: string;
  /** Items of `input` in a recipe of version 2: lines of YAML, the first of which begins with `- `. */
  readonly items: readonly (readonly string[])[];
  /** Whether its images are meant to take long. */
  readonly isGreedy: boolean;
}

/** What guests know of the others. */
export interface Surroundings {
  readonly server: FaultServer;
  readonly target: Target;
  /** Of the good image, from the lowest on. */
  readonly goodLayers: readonly TestLayer[];
}

/** Makes a guest of `seed`, and lets the server have what it needs. */
export async function makeGuest(seed: number, name: string, around: Surroundings): Promise<Guest> {
  const random = randomOf(seed);
  const repository = `guest/${name}`;
  return pick(random, [false, false, false, true])
    ? await makeTwins(random, repository, around)
    : await makeImage(random, repository, around);
}

/** Two images with the same layers upon others: upon those of the good image, or each upon its own. */
async function makeTwins(random: Random, repository: string, around: Surroundings): Promise<Guest> {
  const { server, goodLayers } = around;
  const shared = await packed(random, randomStack(random));
  const bases = [
    oneIn(random, 2) ? goodLayers : await packed(random, randomStack(random)),
    await packed(random, randomStack(random)),
  ];
  const items = bases.map((base, index) => {
    const tag = `base-${index}`;
    server.addImage(repository, tag, buildImage({ layers: [...base, ...shared] }));
    return [`- 'http://${server.host}/${repository}:${tag}'`];
  });
  return { what: 'layers upon two bases', items, isGreedy: false };
}

async function makeImage(random: Random, repository: string, around: Surroundings): Promise<Guest> {
  const { server, target, goodLayers } = around;
  const { what, layers, isGreedy } = await randomLayers(random, target);
  const words = [what];
  const all = oneIn(random, 6) ? [...goodLayers, ...layers] : layers;
  const made = buildImage({ layers: all, config: configOf(random) });
  const image = oneIn(random, 3) ? withMutations(random, made) : made;
  if (image !== made) words.push('a changed config or manifest');
  for (const [digest, bytes] of image.blobs) server.blobs.set(digest, bytes);
  const manifest = oneIn(random, 6) ? indexOf(random, server, repository, image.manifest) : image.manifest;
  if (manifest !== image.manifest) words.push('an index');
  const { tags, items, what: wish } = wishOf(random, `http://${server.host}/${repository}`);
  words.push(wish);
  const type = manifest === image.manifest ? OCI_MANIFEST_TYPE : OCI_INDEX_TYPE;
  for (const tag of new Set(tags.slice(0, 300)))
    server.addManifest(repository, tag, manifest, { 'content-type': typeOf(random, type) });
  server.tagPages.set(repository, pagesOf(random, tags));
  if (oneIn(random, 3)) words.push(misbehave(random, server, repository));
  return { what: words.join('; '), items, isGreedy };
}

function configOf(random: Random): Record<string, unknown> {
  if (!oneIn(random, 4)) return {};
  const text = pick(random, [
    '$(touch /tmp/escape)',
    "'; touch /tmp/escape; '",
    '\n',
    'x'.repeat(amount(random, 100_000)),
  ]);
  const values = Array.from({ length: amount(random, 300) }, (_, at) => `V${at}=${text.slice(0, 300)}`);
  return {
    config: { Env: values, Entrypoint: [text], WorkingDir: text, Labels: { [text.slice(0, 100)]: text } },
  };
}

/** Config and manifest are changed; mostly the manifest names the config that it comes with. */
function withMutations(random: Random, image: TestImage): TestImage {
  const before: Record<string, Json> = JSON.parse(image.manifest.toString());
  const config: Json = JSON.parse(String(image.blobs.get(image.configDigest)));
  const configBytes = Buffer.from(oneIn(random, 2) ? mutatedText(random, config) : JSON.stringify(config));
  const document = { ...before, config: { ...describeBlob(OCI_CONFIG_TYPE, configBytes) } };
  const manifest = Buffer.from(oneIn(random, 2) ? mutatedText(random, document) : JSON.stringify(document));
  const blobs = new Map(image.blobs).set(digestOf(configBytes), configBytes);
  return { manifest, manifestDigest: digestOf(manifest), configDigest: digestOf(configBytes), blobs };
}

/** An index that names the manifest, mostly for the right platform, among others that may not be there. */
function indexOf(random: Random, server: FaultServer, repository: string, manifest: Buffer): Buffer {
  const platforms = ['linux/amd64', 'linux/amd64/v3', 'linux/arm64', 'windows/amd64', 'a/b', undefined];
  const entries = Array.from({ length: amount(random, 200) }, (_, at) => {
    const bytes = at === 0 || oneIn(random, 3) ? manifest : Buffer.from(`${at}`);
    return indexEntry(bytes, at === 0 ? 'linux/amd64' : pick(random, platforms));
  });
  const index = buildIndex(entries);
  server.addManifest(repository, 'manifest', manifest);
  if (!oneIn(random, 3)) return index;
  const changed = mutatedText(random, JSON.parse(index.toString()));
  const outer = buildIndex([indexEntry(Buffer.from(changed), 'linux/amd64', OCI_INDEX_TYPE)]);
  server.addManifest(repository, 'inner', changed, { 'content-type': OCI_INDEX_TYPE });
  return oneIn(random, 2) ? outer : Buffer.from(changed);
}

function typeOf(random: Random, right: string): string {
  return oneIn(random, 15)
    ? pick(random, ['', 'text/html', 'x'.repeat(5_000), OCI_INDEX_TYPE, `${right}; charset=x`])
    : right;
}

function pagesOf(random: Random, tags: readonly string[]): string[][] {
  const size = oneIn(random, 2) ? tags.length : amount(random, tags.length);
  const pages: string[][] = [];
  for (let at = 0; at < tags.length; at += size) pages.push(tags.slice(at, at + size));
  return pages;
}
