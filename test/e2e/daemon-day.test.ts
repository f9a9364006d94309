import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { WishlistSource } from '../../wishlist/sources/source.ts';
import { DaemonRig } from '../support/daemon/rig.ts';
import { GitHttpServer } from '../support/git/http-server.ts';
import { recipeText, Upstream } from '../support/git/upstream.ts';
import { file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { describeWith } from '../support/programs.ts';
import { startDockerRegistry, type DockerRegistry } from '../support/registry/docker-registry.ts';
import { pushImage } from '../support/registry/push.ts';
import { temporaryDirectory } from '../support/setup.ts';
import { gitAt } from '../wishlist/sources/reading.ts';

const REPOSITORY = 'images.unpackd.test';
const HOUR = 60;

/** A registry that can be down, the wishlist's git server, and what should be published. */
class World {
  readonly upstream: Upstream;
  readonly git: GitHttpServer;
  readonly host: string;
  /** Digests of configs by name and tag, as the registry has them. */
  readonly images = new Map<string, string>();
  readonly #storage: string;
  #registry: DockerRegistry | undefined;

  private constructor(
    upstream: Upstream,
    git: GitHttpServer,
    given: { registry: DockerRegistry; storage: string },
  ) {
    this.upstream = upstream;
    this.git = git;
    this.host = given.registry.host;
    this.#registry = given.registry;
    this.#storage = given.storage;
  }

  static async make(): Promise<World> {
    const storage = await temporaryDirectory('storage');
    const upstream = await Upstream.create();
    const git = await GitHttpServer.start(upstream.root);
    return new World(upstream, git, { registry: await startDockerRegistry({ storage }), storage });
  }

  get source(): WishlistSource {
    return gitAt(`${this.git.url}/${this.upstream.name}`, { name: 'lab' });
  }

  async push(name: string, tag: string, content: string): Promise<void> {
    const made = await layer([file('etc/version', `${content}\n`)]);
    const { configDigest } = await pushImage(this.host, name, tag, { layers: [made] });
    this.images.set(`${name}:${tag}`, configDigest);
  }

  async wish(...names: readonly string[]): Promise<void> {
    await this.upstream.push({
      'recipe.yaml': recipeText(...names.map((name) => `http://${this.host}/${name}`)),
    });
  }

  async registryDown(): Promise<void> {
    await this.#registry?.close();
    this.#registry = undefined;
  }

  async registryUp(): Promise<void> {
    const port = Number(this.host.split(':')[1]);
    this.#registry = await startDockerRegistry({ storage: this.#storage, port });
  }

  async close(): Promise<void> {
    await this.registryDown();
    await this.git.close();
  }
}

const Manifest = z.object({ config: z.object({ digest: z.string() }) });

describeWith(['docker-registry', 'git'], 'e2e/daemon-day', function () {
  let world: World;
  let rig: DaemonRig;

  before(async function () {
    world = await World.make();
    rig = await DaemonRig.make({
      sources: [world.source],
      flags: { schedule: '*/10 * * * *', 'log-level': 'info' },
    });
    await mkdir(join(rig.root, REPOSITORY), { recursive: true });
  });
  after(async () => {
    await rig?.stop();
    await world?.close();
  });

  /** Each name leads to the image that the registry has under it now, and to what it held. */
  async function assertPublished(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      const manifest = join(rig.root, REPOSITORY, '.metadata', world.host, name, 'manifest.json');
      const { config } = Manifest.parse(JSON.parse(await readFile(manifest, 'utf8')));
      assert.equal(config.digest, world.images.get(name), name);
      await readFile(join(rig.root, REPOSITORY, world.host, name, 'etc/version'));
    }
  }

  async function assertNotThere(name: string): Promise<void> {
    await assert.rejects(readFile(join(rig.root, REPOSITORY, world.host, name, 'etc/version')));
  }

  /** What the log says since it was last asked, no warning of it twice. */
  function assertSaid(...expected: readonly RegExp[]): void {
    const said = rig.said();
    for (const one of expected)
      assert.ok(
        said.some((line) => one.test(line)),
        `${one} in\n${said.join('\n')}`,
      );
    const warnings = said.filter((line) => /^[34] /.test(line));
    assert.deepEqual(warnings, [...new Set(warnings)]);
  }

  it('publishes what is wanted at the start, and nothing is news for an hour', async () => {
    await world.push('lab/app', '1.0', 'app 1.0');
    await world.push('lab/tool', 'latest', 'tool of the morning');
    await world.wish('lab/app:*', 'lab/tool:latest');
    await rig.start();
    await assertPublished('lab/app:1.0', 'lab/tool:latest');
    assertSaid(
      /^6 source lab: commit .* is in force$/,
      /^6 2 images to add$/,
      /^6 published .*lab\/app:1\.0$/,
    );
    await rig.pass(HOUR);
    assert.deepEqual(rig.said(), []);
  });

  it('publishes a new tag, and one that moved, with the next look', async () => {
    await world.push('lab/app', '1.1', 'app 1.1');
    await world.push('lab/tool', 'latest', 'tool of the day');
    await rig.pass(10);
    await assertPublished('lab/app:1.0', 'lab/app:1.1', 'lab/tool:latest');
    assertSaid(/^6 1 image to add, 1 image to update$/, /^6 published 2 images/);
  });

  it('keeps what is published while the registry is down, says so once, and goes on when it is up', async () => {
    await world.registryDown();
    await rig.pass(HOUR, async () => await assertPublished('lab/app:1.0', 'lab/app:1.1', 'lab/tool:latest'));
    assertSaid(/^4 [^/]*: .*; its published images stay, and it is tried again$/, /recipe\.yaml:4:/);
    await world.registryUp();
    // A server that was down is left in peace for a while of real time; who reads everything again asks anew.
    await rig.reload();
    await world.push('lab/tool', 'latest', 'tool of noon');
    await world.push('lab/app', '1.2', 'app 1.2');
    await rig.pass(2 * HOUR);
    await assertPublished('lab/app:1.0', 'lab/app:1.1', 'lab/app:1.2', 'lab/tool:latest');
    assertSaid(/^6 published .*lab\/tool:latest$/, /^6 published .*lab\/app:1\.2$/);
  });

  it('goes on with what the wishlist said before while it is broken', async () => {
    await world.upstream.push({ 'recipe.yaml': 'version: 1\ninput: [}\n' });
    await rig.pass(20);
    await world.push('lab/tool', 'latest', 'tool of the afternoon');
    await rig.pass(10);
    await rig.pass(30, async () => await assertPublished('lab/app:1.0', 'lab/tool:latest'));
    assertSaid(/^4 source lab: .* its last good content stays in force$/, /^6 published .*lab\/tool:latest$/);
    await world.wish('lab/app:*', 'lab/tool:latest', 'lab/late:1');
    await rig.pass(10);
    assertSaid(/^6 source lab: commit .* is in force$/, /^4 .*lab\/late:1 failed: .*/);
  });

  it('publishes an image that comes later than its wish, within the time that failures wait', async () => {
    await rig.pass(2 * HOUR);
    assert.deepEqual(rig.said(), []);
    await world.push('lab/late', '1', 'late');
    await rig.pass(3 * HOUR);
    await assertPublished('lab/late:1');
    assertSaid(/^6 published .*lab\/late:1$/);
  });

  it('keeps an image that nobody asks for any more, says so once, and notices when it is asked for again', async () => {
    await world.wish('lab/app:*', 'lab/late:1');
    await rig.pass(HOUR);
    await assertPublished('lab/tool:latest');
    assertSaid(/^6 .*lab\/tool:latest stays until 2026-01-07 .*: no line asks for it any more$/);
    await world.push('lab/tool', 'latest', 'tool of the evening');
    await world.wish('lab/app:*', 'lab/late:1', 'lab/tool:latest');
    await rig.pass(HOUR);
    await assertPublished('lab/app:1.0', 'lab/app:1.1', 'lab/app:1.2', 'lab/late:1', 'lab/tool:latest');
    await assertNotThere('lab/never:1');
    assert.ok(rig.nowMs >= Date.UTC(2026, 0, 5, 12), new Date(rig.nowMs).toISOString());
  });
});
