import assert from 'node:assert/strict';
import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonRig } from '../support/daemon/rig.ts';
import { file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { recipeText } from '../support/git/upstream.ts';
import { describeWith } from '../support/programs.ts';
import { startDockerRegistry, type DockerRegistry } from '../support/registry/docker-registry.ts';
import { FaultServer } from '../support/registry/fault-server.ts';
import { drop, instead, redirect, silence, status, type Fault } from '../support/registry/faults.ts';
import { buildImage, type TestImageParts } from '../support/registry/image.ts';
import { deleteManifest, pushImage } from '../support/registry/push.ts';
import { TokenService } from '../support/registry/token-service.ts';
import { urlAt } from '../wishlist/sources/reading.ts';

const REPOSITORY = 'images.unpackd.test';
const HOUR = 60;
const DAY = 24 * HOUR;
const HTML = '<html><body>404 Not Found</body></html>';
const UNKNOWN = status(404, { code: 'MANIFEST_UNKNOWN' });
const BASIC = `Basic ${Buffer.from('robot:secret').toString('base64')}`;
const CREDENTIALS = { DUCC_AUTH_REGISTRIES: 'LAB', DUCC_LAB_USER: 'robot', DUCC_LAB_PASS: 'secret' };

/** A registry with a daemon that publishes what a pattern and a line mean there. */
class Scene {
  readonly registry: FaultServer;
  readonly rig: DaemonRig;
  readonly #wishlist: FaultServer;

  private constructor(registry: FaultServer, wishlist: FaultServer, rig: DaemonRig) {
    this.registry = registry;
    this.#wishlist = wishlist;
    this.rig = rig;
  }

  static async start(given: Pick<Case, 'schedule' | 'prepare' | 'hasCredentials'>): Promise<Scene> {
    const { schedule = '0 */6 * * *', prepare = () => undefined, hasCredentials = false } = given;
    const [registry, wishlist] = [await FaultServer.start(), await FaultServer.start()];
    wishlist.fail(
      /./,
      instead(recipeText(...['tool:*', 'named:1'].map((name) => `http://${registry.host}/lab/${name}`))),
    );
    for (const tag of ['1', '2', '3']) registry.addImage('lab/tool', tag, buildImage(await partsOf(tag)));
    registry.addImage('lab/named', '1', buildImage(await partsOf('named')));
    registry.tagPages.set('lab/tool', [['1', '2', '3']]);
    registry.tagPages.set('lab/named', [['1']]);
    prepare(registry);
    const rig = await DaemonRig.make({
      sources: [urlAt(`http://${wishlist.host}/recipe.yaml`)],
      flags: { schedule, 'manifest-timeout': '1s', 'tag-list-timeout': '1s' },
      environment: hasCredentials ? { ...CREDENTIALS, DUCC_LAB_IDENT: registry.host } : {},
    });
    await mkdir(join(rig.root, REPOSITORY), { recursive: true });
    await rig.start();
    return new Scene(registry, wishlist, rig);
  }

  /** Which of the names are published. */
  async published(): Promise<string[]> {
    const found: string[] = [];
    for (const name of ['lab/named:1', 'lab/tool:1', 'lab/tool:2', 'lab/tool:3'])
      if (await isPublished(this.rig, `${this.registry.host}/${name}`)) found.push(name);
    return found;
  }

  async close(): Promise<void> {
    await this.rig.stop();
    await this.registry.close();
    await this.#wishlist.close();
  }
}

async function isPublished({ root }: DaemonRig, name: string): Promise<boolean> {
  try {
    return (await lstat(join(root, REPOSITORY, name))).isSymbolicLink();
  } catch {
    return false;
  }
}

async function partsOf(content: string): Promise<TestImageParts> {
  return { layers: [await layer([file('etc/version', content)])] };
}

/** What goes wrong with a registry whose tags `lab/tool:2` and `lab/named:1` are, or seem, deleted. */
interface Case {
  readonly what: string;
  readonly wrong: (registry: FaultServer) => void;
  /** Before anything is published. */
  readonly prepare?: (registry: FaultServer) => void;
  readonly hasCredentials?: boolean;
  /** Seldom where each look takes long. */
  readonly schedule?: string;
}

const SELDOM = '0 0 */5 * *';

function page(...tags: readonly string[]): Fault {
  return instead(JSON.stringify({ tags }));
}

/** Faults of what is asked for the tags; their lists lack them. */
function ofManifests(fault: Fault): Case['wrong'] {
  return (registry) => {
    registry.fail(/(?:tool\/manifests\/2|named\/manifests\/1)$/, fault);
    shrink(registry);
  };
}

/** Faults of all lists, while the tags are deleted. */
function ofLists(fault: Fault): Case['wrong'] {
  return (registry) => {
    registry.fail(/tags\/list/, fault);
    remove(registry);
  };
}

function shrink(registry: FaultServer): void {
  registry.tagPages.set('lab/tool', [['1', '3']]);
  registry.tagPages.set('lab/named', [[]]);
}

/** Does as a registry does that has the tags no more. */
function remove(registry: FaultServer): void {
  registry.fail(/(?:tool\/manifests\/2|named\/manifests\/1|manifests\/sha256:[^/]*)$/, UNKNOWN);
  shrink(registry);
}

const cut404: Fault = (response) => {
  response.writeHead(404, { 'content-length': 100 });
  response.write('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}', () => response.destroy());
};

const CASES: readonly Case[] = [
  { what: '401', wrong: ofManifests(status(401)) },
  { what: '403', wrong: ofManifests(status(403, { code: 'DENIED' })) },
  { what: '429', wrong: ofManifests(status(429, { headers: { 'retry-after': '3600' } })) },
  { what: '500', wrong: ofManifests(status(500)), schedule: SELDOM },
  { what: '503', wrong: ofManifests(status(503, { headers: { 'retry-after': '3600' } })) },
  { what: 'no answer', wrong: ofManifests(silence), schedule: SELDOM },
  { what: 'a closed connection', wrong: ofManifests(drop), schedule: SELDOM },
  { what: '404 with HTML', wrong: ofManifests((response) => response.writeHead(404).end(HTML)) },
  { what: '404 with a body that is cut', wrong: ofManifests(cut404), schedule: SELDOM },
  { what: '404 NAME_UNKNOWN', wrong: ofManifests(status(404, { code: 'NAME_UNKNOWN' })) },
  { what: '404 of another server, after a redirect', wrong: ofManifests(redirect('/elsewhere')) },
  {
    what: 'a list cut short, of tags that are there',
    wrong: (registry) => {
      registry.tagPages.set('lab/tool', [['1']]);
      registry.tagPages.set('lab/named', [[]]);
    },
  },
  {
    what: 'a list that is suddenly empty, of tags that are there',
    wrong: (registry) => registry.fail(/tags\/list/, page()),
  },
  { what: '401 for the list', wrong: ofLists(status(401)) },
  { what: '403 for the list', wrong: ofLists(status(403)) },
  { what: '429 for the list', wrong: ofLists(status(429, { headers: { 'retry-after': '3600' } })) },
  { what: '500 for the list', wrong: ofLists(status(500)), schedule: SELDOM },
  { what: '503 for the list', wrong: ofLists(status(503, { headers: { 'retry-after': '3600' } })) },
  { what: 'no list in time', wrong: ofLists(silence), schedule: SELDOM },
  { what: 'HTML for the list', wrong: ofLists(instead(HTML)) },
  { what: '404 NAME_UNKNOWN for the list', wrong: ofLists(status(404, { code: 'NAME_UNKNOWN' })) },
  {
    what: 'an expired robot: manifests are refused, and lists for everybody have shrunk',
    hasCredentials: true,
    prepare: (registry) => void addTokens(registry),
    wrong: (registry) => {
      shrink(registry);
      addTokens(registry, 'Basic of-another');
      const { guard } = registry;
      registry.guard = (request, response) =>
        request.url?.includes('/tags/list') !== true && guard(request, response);
    },
  },
  {
    what: 'an expired robot: nobody is asked for credentials any more, and sees what everybody may see',
    hasCredentials: true,
    prepare: (registry) => void addTokens(registry, BASIC, 0),
    wrong: (registry) => {
      remove(registry);
      registry.guard = () => false;
    },
  },
];

function addTokens(registry: FaultServer, basic = BASIC, expiresInS = 300): TokenService {
  return new TokenService(registry, { basic, expiresInS });
}

describe('e2e/gone', () => {
  let scene: Scene | undefined;

  afterEach(async () => {
    await scene?.close();
    scene = undefined;
  });

  const ALL = ['lab/named:1', 'lab/tool:1', 'lab/tool:2', 'lab/tool:3'];

  for (const one of CASES) {
    it(`keeps images for ten days with ${one.what}`, async () => {
      scene = await Scene.start(one);
      assert.deepEqual(await scene.published(), ALL);
      one.wrong(scene.registry);
      await scene.rig.pass(10 * DAY);
      assert.deepEqual(await scene.published(), ALL);
    });
  }

  it('removes images whose tags are surely gone, after two days, and no others', async () => {
    scene = await Scene.start({});
    remove(scene.registry);
    await scene.rig.pass(6 * HOUR + 2 * DAY - 1);
    assert.deepEqual(await scene.published(), ALL);
    await scene.rig.pass(6 * HOUR);
    assert.deepEqual(await scene.published(), ['lab/tool:1', 'lab/tool:3']);
  });

  it('holds the removal where a registry has lost all of its tags', async () => {
    const parts = await partsOf('the same');
    const tags = Array.from({ length: 12 }, (_, index) => `${index}`);
    scene = await Scene.start({
      prepare: (registry) => {
        for (const tag of tags) registry.addImage('lab/tool', tag, buildImage(parts));
        registry.tagPages.set('lab/tool', [tags]);
      },
    });
    scene.registry.fail(/tool\/manifests\//, UNKNOWN);
    scene.registry.tagPages.set('lab/tool', [[]]);
    await scene.rig.pass(10 * DAY);
    assert.deepEqual(await scene.published(), ALL);
    const said = scene.rig.said();
    assert.ok(
      said.some((line) => line.startsWith('4 12 images of 13 stay: ')),
      said.join('\n'),
    );
  });

  it('says once that a list is cut short', async () => {
    scene = await Scene.start({});
    scene.registry.tagPages.set('lab/tool', [['1']]);
    scene.rig.said();
    await scene.rig.pass(3 * DAY);
    const said = scene.rig.said().filter((line) => line.includes('cut short'));
    assert.equal(said.length, 1, said.join('\n'));
    assert.match(said[0] ?? '', /^4 .*lab\/tool lacks "2" and 1 other tag, /);
  });
});

describeWith(['docker-registry'], 'e2e/gone', () => {
  let registry: DockerRegistry;
  let wishlist: FaultServer;
  let rig: DaemonRig;
  const further: DockerRegistry[] = [];

  beforeEach(async () => {
    registry = await startDockerRegistry();
    wishlist = await FaultServer.start();
  });

  afterEach(async () => {
    await rig.stop();
    for (const one of further.splice(0)) await one.close();
    await registry.close();
    await wishlist.close();
  });

  async function publish(host: string, schedule = '0 */6 * * *'): Promise<void> {
    rig = await DaemonRig.make({
      sources: [urlAt(`http://${wishlist.host}/recipe.yaml`)],
      flags: { schedule },
    });
    await mkdir(join(rig.root, REPOSITORY), { recursive: true });
    wishlist.fail(/./, instead(recipeText(`http://${host}/lab/tool:*`)));
    await rig.start();
  }

  it('keeps an image whose tag is pushed again, and removes it once it is deleted for good', async () => {
    const push = async (tag: string): Promise<string> =>
      (await pushImage(registry.host, 'lab/tool', tag, await partsOf(tag))).manifestDigest;
    await push('1');
    const digest = await push('2');
    const name = `${registry.host}/lab/tool:2`;
    await publish(registry.host);
    for (let time = 0; time < 3; time++) {
      await deleteManifest(registry.host, 'lab/tool', digest);
      await rig.pass(DAY + 12 * HOUR);
      await push('2');
      await rig.pass(DAY);
      assert(await isPublished(rig, name));
    }
    await deleteManifest(registry.host, 'lab/tool', digest);
    await rig.pass(2 * DAY);
    assert(await isPublished(rig, name));
    await rig.pass(DAY);
    assert(!(await isPublished(rig, name)));
    assert(await isPublished(rig, `${registry.host}/lab/tool:1`));
    await push('2');
    await rig.pass(6 * HOUR);
    assert(await isPublished(rig, name));
  });

  it('keeps images of a pull-through cache that has lost its origin, and most of what it had', async () => {
    for (const tag of ['1', '2']) await pushImage(registry.host, 'lab/tool', tag, await partsOf(tag));
    const cache = await startDockerRegistry({ proxyOf: `http://${registry.host}` });
    await publish(cache.host, SELDOM);
    await cache.close();
    const port = Number(cache.host.split(':')[1]);
    further.push(await startDockerRegistry({ proxyOf: `http://${registry.host}`, port }));
    await fetch(`http://${cache.host}/v2/lab/tool/manifests/1`);
    await registry.close();
    await rig.reload();
    await rig.pass(10 * DAY);
    for (const tag of ['1', '2']) assert(await isPublished(rig, `${cache.host}/lab/tool:${tag}`), tag);
  });
});
