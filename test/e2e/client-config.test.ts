import assert from 'node:assert/strict';
import { TestRegistry } from '../support/e2e/registry.ts';
import { CLIENT_ROOT, REPOSITORY, Site } from '../support/e2e/site.ts';
import { run } from '../support/e2e/unpackd.ts';
import { startableImage } from '../support/podman/images.ts';
import { neededFor, PODMANS, Podman, RUN, type PodmanKind } from '../support/podman/podman.ts';
import { podmanWithConfiguration, type PodmanUser } from '../support/podman/with-config.ts';
import { needs } from '../support/programs.ts';

const [INSTALLED, , NEWER] = PODMANS;

type Case = readonly [title: string, kind: PodmanKind | undefined, client: string, user: PodmanUser];

const CASES: readonly Case[] = [
  ['root, podman of this machine', INSTALLED, 'podman', 'root'],
  ['root, podman of a newer Debian', NEWER, 'podman', 'root'],
  ['a user, podman of this machine', INSTALLED, 'podman-rootless', 'rootless'],
];

describe('e2e/client-config', () => {
  for (const [title, kind, client, user] of CASES) {
    if (kind === undefined) throw new Error('there is no such podman');
    it(`has it list and start published images: ${title}`, async function () {
      needs(this, ...neededFor(kind));
      if (user === 'rootless') needs(this, 'fuse-overlayfs', 'newuidmap', 'setpriv');
      const registry = await TestRegistry.start();
      try {
        const site = await Site.make('directory');
        const view = {
          published: site.published,
          client: `${CLIENT_ROOT}/${REPOSITORY}`,
          stores: [],
        };
        const podman = await Podman.open(kind, view);
        const wish = registry.add('lab/tool', '1', await startableImage('published\n'));
        assert.equal((await site.convert([wish])).status, 0);
        registry.requests();

        const printed = await run([
          'client-config',
          '--root',
          site.root,
          '--client-root',
          CLIENT_ROOT,
          client,
          REPOSITORY,
        ]);
        const configuration = printed.stdout;
        const output = async (...words: string[]): Promise<string> => {
          const ended = await podmanWithConfiguration(podman, { user, configuration }, ...words);
          assert.equal(ended.status, 0, ended.stderr);
          return ended.stdout;
        };
        const name = `${registry.host}/lab/tool:1`;
        assert.equal(await output('images', '--format', '{{.Repository}}:{{.Tag}}'), `${name}\n`);
        assert.equal(await output('run', '--rm', ...RUN, name), 'published\n');
        assert.equal(await output('info', '--format', '{{.Store.GraphRoot}}'), `${GRAPH_ROOTS[user]}\n`);
        assert.deepEqual(registry.requests(), []);
      } finally {
        await registry.close();
      }
    });
  }
});

/** Where podman keeps what is its own where nothing is configured: images that users have there stay. */
const GRAPH_ROOTS: Readonly<Record<PodmanUser, string>> = {
  root: '/var/lib/containers/storage',
  rootless: '/mnt/home/.local/share/containers/storage',
};
