import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { serveImages } from '../../test/support/images/read-only-registry.ts';
import type { ReadOnlyRegistry } from '../../test/support/images/read-only-registry.ts';
import type { ImageStore } from '../../test/support/images/store.ts';
import { expect, expectEqual } from './expect.ts';
import { addUpdate, APP, buildDemoImages, TOOLS } from './images.ts';
import { publishedTree, sizesBelow } from './published-tree.ts';
import { runInTree } from './run-in-tree.ts';
import type { Stage } from './stage.ts';
import { convert, type Outcome } from './unpackd.ts';

const REPOSITORY = 'images.local';
const NOTES = 'app/notes.txt';

/** Plays the demo from the first publication to the update. @throws Error where anything is not as it should be */
export async function tellStory(stage: Stage): Promise<void> {
  const images = join(stage.folder, 'registry');
  await mkdir(images);
  const store = await buildDemoImages(images);
  const registry = await serveImages(store);
  try {
    const story = new Story(stage, store, registry);
    await story.introduce();
    await story.publish();
    await story.lookAround();
    await story.update();
    await story.repeat();
    story.end();
  } finally {
    await registry.close();
    await rm(images, { recursive: true });
  }
}

class Story {
  readonly #stage: Stage;
  readonly #store: ImageStore;
  readonly #registry: ReadOnlyRegistry;
  readonly #repository: string;

  constructor(stage: Stage, store: ImageStore, registry: ReadOnlyRegistry) {
    this.#stage = stage;
    this.#store = store;
    this.#registry = registry;
    this.#repository = join(stage.folder, REPOSITORY);
  }

  async introduce(): Promise<void> {
    const { host } = this.#registry;
    this.#title('Three images');
    this.#say(`The registry ${host} (of this demo, gone when it ends) has ${APP}:1.0, ${APP}:latest`);
    this.#say(`and ${TOOLS}:1, made of the Node that runs here. A wishlist asks for them, and a`);
    this.#say('configuration says where they go: into a plain directory, the default.');
    await this.#write('recipe.yaml', [
      'version: 1',
      `cvmfs_repo: '${REPOSITORY}'`,
      'input:',
      `  - 'http://${host}/${APP}:*'`,
      `  - 'http://${host}/${TOOLS}:1'`,
    ]);
    await this.#write('unpackd.yaml', ['root: .', 'state: ./state']);
  }

  async publish(): Promise<void> {
    this.#title('Publish them');
    const outcomes = await this.#convert();
    const names = [`${APP}:1.0`, `${APP}:latest`, `${TOOLS}:1`];
    expectEqual(outcomes, this.#outcomes('published', names), 'the images that were published');
    this.#sayFetched(0, this.#layers(APP, '1.0').length + 1);
  }

  async lookAround(): Promise<void> {
    this.#title('What is visible now');
    this.#sayLines(await publishedTree(this.#repository));
    await this.#cat(`${APP}:1.0`, NOTES, 'Only version 1.0 has these notes.\n');
    await this.#run(`${APP}:1.0`, `Hello from ${process.version}\n`);
    const { asNamed, onDisk } = await sizesBelow(this.#repository);
    expect(onDisk * 2 < asNamed, 'files of the same content must be one file on disk');
    this.#say(`All trees together show ${megabytes(asNamed)} and take ${megabytes(onDisk)}: hard links.`);
  }

  async update(): Promise<void> {
    this.#title('Publish an update');
    this.#say(`Somebody pushes ${APP}:1.1, one small layer on top of 1.0, and moves latest to it.`);
    await addUpdate(this.#store);
    const before = this.#registry.requests.length;
    const outcomes = await this.#convert();
    const expected = [
      ...this.#outcomes('unchanged', [`${APP}:1.0`]),
      ...this.#outcomes('published', [`${APP}:1.1`, `${APP}:latest`]),
      ...this.#outcomes('unchanged', [`${TOOLS}:1`]),
    ];
    expectEqual(outcomes, expected, 'what became of each image');
    this.#sayFetched(before, 1);
    this.#sayLines(await publishedTree(this.#repository));
    await this.#run(`${APP}:latest`, `Hello again from ${process.version} on ${process.arch}\n`);
    await this.#cat(`${APP}:1.0`, NOTES, 'Only version 1.0 has these notes.\n');
    await this.#cat(`${APP}:latest`, NOTES, undefined);
  }

  async repeat(): Promise<void> {
    this.#title('Run it once more');
    const before = this.#registry.requests.length;
    const outcomes = await this.#convert();
    const names = [`${APP}:1.0`, `${APP}:1.1`, `${APP}:latest`, `${TOOLS}:1`];
    expectEqual(outcomes, this.#outcomes('unchanged', names), 'the images that are current');
    expectEqual(this.#blobsSince(before), [], 'what was fetched');
    this.#say('Nothing was fetched and nothing was written: the manifests say that all is there.');
  }

  end(): void {
    const folder = basename(this.#stage.folder);
    this.#title('Done');
    this.#say(
      `Look around in ${folder}/${REPOSITORY}; the next demo starts anew. An image of your own choice:`,
    );
    this.#say(`$ npx unpackd convert-single-image docker.io/library/alpine:3.20 ${REPOSITORY}`);
  }

  async #convert(): Promise<Outcome[]> {
    const folder = basename(this.#stage.folder);
    const words = ['convert', '--config', `${folder}/unpackd.yaml`, `${folder}/recipe.yaml`];
    this.#say(`$ npx unpackd ${words.join(' ')}`);
    return await convert(words, this.#stage);
  }

  #outcomes(outcome: Outcome['outcome'], names: readonly string[]): Outcome[] {
    return names.map((name) => ({ outcome, image: `${this.#registry.host}/${name}` }));
  }

  /** Says which layers were fetched since the request number `before`, which must be `count`, each once. */
  #sayFetched(before: number, count: number): void {
    const fetched = this.#blobsSince(before);
    const all = ['1.0', '1.1'].flatMap((tag) => this.#layers(APP, tag)).concat(this.#layers(TOOLS, '1'));
    const layers = [...new Map(all.map((layer) => [layer.digest, layer])).values()];
    const arrived = layers.filter(({ digest }) => fetched.includes(digest));
    const times = fetched.filter((digest) => arrived.some((layer) => layer.digest === digest));
    expectEqual(times.length, count, 'how many layers were fetched');
    expectEqual(arrived.length, count, 'how many different layers were fetched');
    const bytes = arrived.reduce((sum, { size }) => sum + size, 0);
    const size = bytes < 100_000 ? `${bytes} bytes` : megabytes(bytes);
    this.#say(
      count === 1 ? `One layer of ${size} was fetched.` : `${count} layers were fetched, ${size}, each once.`,
    );
  }

  #layers(repository: string, tag: string) {
    return this.#store.image(repository, tag)?.layers ?? [];
  }

  #blobsSince(request: number): string[] {
    const requests = this.#registry.requests.slice(request);
    return requests.flatMap((line) => /^GET .*\/blobs\/(sha256:\w+)$/.exec(line)?.[1] ?? []);
  }

  /** Shows a file of a published root file system, which must hold `text`; `undefined`: there must be none. */
  async #cat(name: string, file: string, text: string | undefined): Promise<void> {
    const path = join(REPOSITORY, this.#registry.host, name, file);
    const content = await textIfThere(join(this.#stage.folder, path));
    expectEqual(content, text, `what ${path} holds`);
    this.#say(`$ cat ${join(basename(this.#stage.folder), path)}`);
    this.#say(`  ${content?.trimEnd() ?? 'no such file: the new layer deletes it'}`);
  }

  /** Runs the program of demo/app out of a published root file system, which must print `text`. */
  async #run(name: string, text: string): Promise<void> {
    const root = join(this.#repository, this.#registry.host, name);
    const printed = await runInTree(root, ['app/main.mjs'], this.#stage.signal);
    if (printed === undefined) return;
    expectEqual(printed, text, `what the program of ${name} prints`);
    this.#say(`The Node of ${name}, with its own libraries, runs /app/main.mjs:`);
    this.#say(`  ${printed.trimEnd()}`);
  }

  async #write(name: string, lines: readonly string[]): Promise<void> {
    await writeFile(join(this.#stage.folder, name), `${lines.join('\n')}\n`);
    this.#say(`$ cat ${basename(this.#stage.folder)}/${name}`);
    this.#sayLines(lines);
  }

  #title(text: string): void {
    this.#say(`\n== ${text}`);
  }

  #sayLines(lines: readonly string[]): void {
    for (const line of lines) this.#say(`  ${line}`);
  }

  #say(text: string): void {
    this.#stage.say(text);
  }
}

async function textIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
