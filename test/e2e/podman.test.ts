import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hexOf, type Digest } from '../../core/oci/digest.ts';
import { formatReference, parseReference } from '../../core/oci/reference.ts';
import { imageTree, unpackedByUmoci } from '../support/e2e/reference.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { runHere } from '../support/e2e/unpackd.ts';
import { CLIENT_ROOT, REPOSITORY, Site } from '../support/e2e/site.ts';
import { image, imageIndex, type Image } from '../support/images/image.ts';
import { directory, file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import {
  BUSYBOX,
  busyboxLayer,
  highImage,
  imagesOfAllKinds,
  startableImage,
} from '../support/podman/images.ts';
import { neededFor, PODMANS, Podman, RUN, type PodmanOutcome } from '../support/podman/podman.ts';
import { describeWith, needs } from '../support/programs.ts';
import { differences } from '../support/trees/snapshot.ts';

const LAB = 'lab/tool';
/** What a container prints that is started without a command. */
const RELEASE = [BUSYBOX, 'cat', '/etc/release'];

/** The parts of `podman image inspect` that say what an image is. */
const INSPECTED = [
  'Id',
  'Digest',
  'RepoTags',
  'RootFS',
  'Config',
  'Architecture',
  'Os',
  'Created',
  'History',
];

for (const kind of PODMANS) {
  describeWith(neededFor(kind), `e2e/podman: the podman store, read by ${kind.title}`, () => {
    let registry: TestRegistry;
    let site: Site;
    let podman: Podman;

    beforeEach(async () => {
      registry = await TestRegistry.start();
      site = await Site.make('directory');
      podman = await Podman.open(kind, shown(['podmanStore']));
    });
    afterEach(async () => {
      await registry.close();
      await site.close();
    });

    const shown = (stores: readonly string[]) => ({
      published: site.published,
      client: `${CLIENT_ROOT}/${REPOSITORY}`,
      stores,
    });
    const nameOf = (tag: string): string => `${registry.host}/${LAB}:${tag}`;
    const add = (tag: string, one: Image): string => registry.add(LAB, tag, one);

    async function publish(wishes: readonly string[]): Promise<void> {
      const { status, stderr } = await site.convert(wishes);
      assert.equal(status, 0, stderr);
    }

    async function listed(): Promise<string[]> {
      return (await podman.output('images', '--format', '{{.Repository}}:{{.Tag}}'))
        .trim()
        .split('\n')
        .sort();
    }

    async function release(tag: string): Promise<string> {
      return await podman.inContainer(nameOf(tag), ...RELEASE);
    }

    it('has images of all kinds, each of which starts without a pull and is what umoci unpacks', async function () {
      needs(this, 'umoci');
      const images = await imagesOfAllKinds();
      await publish([...images].map(([tag, one]) => add(tag, one)));
      registry.requests();
      assert.deepEqual(await listed(), [...images.keys()].map(nameOf).sort());
      for (const [tag, one] of images) {
        assert.equal(await podman.inContainer(nameOf(tag)), `${tag}\n`);
        const expected = await imageTree(await unpackedByUmoci(one));
        const found = differences(await imageTree(await podman.rootOf(nameOf(tag))), expected);
        // A hard link to a lower layer is no part of the layer: a warning says so.
        if (tag === 'rich')
          assert.match(found.join('\n'), /^"opt\/linked-across": nothing, expected file .*$/);
        else assert.deepEqual(found, [], tag);
      }
      assert.deepEqual(registry.requests(), []);
    });

    it('tells of an image what is told of it once it is pulled', async function () {
      const images = { one: await startableImage('one\n'), other: (await imagesOfAllKinds()).get('opaque') };
      const tags = Object.entries(images).flatMap(([tag, one]) =>
        one === undefined ? [] : [[tag, one] as const],
      );
      await publish(tags.map(([tag, one]) => add(tag, one)));
      const pulling = await Podman.open(kind, shown([]));
      for (const [tag] of tags) {
        await pulling.output('pull', '--quiet', '--tls-verify=false', nameOf(tag));
        assert.deepEqual(await inspected(podman, nameOf(tag)), await inspected(pulling, nameOf(tag)));
      }
    });

    it('has a layer over different parents, an image of 60 layers, and one without any', async () => {
      const shared = await layer([directory('opt'), file('opt/shared', 'shared\n')]);
      const over = async (text: string): Promise<Image> =>
        image({
          layers: [
            await layer(busyboxLayer()),
            await layer([directory('etc'), file('etc/release', text)]),
            shared,
          ],
        });
      const wishes = [
        add('a', await over('a\n')),
        add('b', await over('b\n')),
        add('high', await highImage(60)),
      ];
      await publish([...wishes, add('empty', image({ layers: [] }))]);
      assert.deepEqual([await release('a'), await release('b')], ['a\n', 'b\n']);
      assert.equal(await podman.inContainer(nameOf('a'), BUSYBOX, 'cat', '/opt/shared'), 'shared\n');
      assert.equal(await podman.inContainer(nameOf('high'), BUSYBOX, 'ls', '/opt'), '57\nnewest\n');
      assert.deepEqual(await listed(), ['a', 'b', 'empty', 'high'].map(nameOf));
    });

    it('follows a tag that moved, and forgets one that was removed', async () => {
      await publish([add('1', await startableImage('old\n')), add('2', await startableImage('two\n'))]);
      assert.equal(await release('1'), 'old\n');
      await publish([add('1', await startableImage('new\n'))]);
      assert.equal(await release('1'), 'new\n');
      for (const path of [nameOf('2'), `.metadata/${nameOf('2')}`])
        rmSync(site.path(path), { recursive: true });
      await publish([add('3', await startableImage('three\n'))]);
      const untagged = `${registry.host}/${LAB}:<none>`;
      assert.deepEqual(await listed(), [...['1', '3'].map(nameOf), untagged, untagged]);
      assert.notEqual((await podman.podman('image', 'exists', nameOf('2'))).status, 0);
    });

    it('has for containers and images of clients all that they were made from, when the tag has moved', async () => {
      const old = await startableImage('old\n');
      await publish([add('1', old)]);
      const fifo = (name: string): string => join(podman.folder, name);
      const options = RUN.join(' ');
      const script = `set -e
        mkfifo "$2" "$3"
        podman create --name stopped ${options} "$1" /usr/bin/busybox cat /etc/release >/dev/null
        podman run --detach --name running ${options} "$1" /usr/bin/busybox sleep 1000 >/dev/null
        podman commit --quiet stopped own >/dev/null
        echo ready >"$2"
        read -r line <"$3"
        podman exec running /usr/bin/busybox cat /etc/release
        podman start --attach stopped
        podman start --attach stopped
        podman inspect --format '{{.Image}}' stopped
        podman rm --force --time 0 running stopped >/dev/null
        for image in "$4" "$5" own; do podman run --rm ${options} "$image" /usr/bin/busybox cat /etc/release; done
        podman image prune --force
        podman images --quiet --no-trunc`;
      const id = hexOf(configOf(old));
      const pinned = `${registry.host}/${LAB}@${old.manifest.digest}`;
      const words = [nameOf('1'), fifo('told'), fifo('go'), id, pinned];
      const ended = podman.enter(['sh', '-c', script, 'sh', ...words]);
      await untilReady(fifo('told'), ended);
      try {
        await publish([add('1', await startableImage('new\n'))]);
      } finally {
        await writeFile(fifo('go'), 'go\n');
      }
      const { status, stdout, stderr } = await ended;
      assert.equal(status, 0, stderr);
      const lines = stdout.trim().split('\n');
      assert.deepEqual(lines.slice(0, 7), ['old', 'old', 'old', id, 'old', 'old', 'old']);
      assert.ok(lines.includes(`sha256:${id}`), stdout);
      assert.equal(await release('1'), 'new\n');
    });

    it('does without the name of an image that was taken back, and has it again', async () => {
      const one = await startableImage('one\n');
      await publish([add('1', one), add('2', await startableImage('two\n'))]);
      await publish([`http://${nameOf('2')}`]);
      const steer = async (command: string): Promise<void> => {
        const { status, stderr } = await runHere([command, nameOf('1'), ...site.options]);
        assert.equal(status, 0, stderr);
      };
      await steer('remove');
      assert.deepEqual(await listed(), [nameOf('2'), `${registry.host}/${LAB}:<none>`]);
      assert.notEqual((await podman.podman('image', 'exists', nameOf('1'))).status, 0);
      assert.equal(await release('2'), 'two\n');
      for (const name of [hexOf(configOf(one)), `${registry.host}/${LAB}@${one.manifest.digest}`])
        assert.equal(await podman.inContainer(name, ...RELEASE), 'one\n', name);
      await steer('restore');
      assert.deepEqual(await listed(), ['1', '2'].map(nameOf));
      assert.equal(await release('1'), 'one\n');
    });

    it('has two manifests of one config as one image, by both names and both digests', async () => {
      const content = [directory('etc'), file('etc/release', 'both\n')];
      const base = await layer(busyboxLayer());
      const packed = async (compression: 'gzip' | 'plain'): Promise<Image> =>
        image({ layers: [base, await layer(content, { compression })], config: {} });
      const both = [
        ['1-gzip', await packed('gzip')],
        ['1', await packed('plain')],
      ] as const;
      assert.equal(new Set(both.map(([, one]) => configOf(one))).size, 1);
      for (const [tag, one] of both) await publish([add(tag, one)]);
      assert.deepEqual(await listed(), ['1', '1-gzip'].map(nameOf));
      registry.requests();
      for (const [tag, { manifest }] of both)
        for (const name of [nameOf(tag), `${registry.host}/${LAB}@${manifest.digest}`])
          assert.equal(await podman.inContainer(name, ...RELEASE), 'both\n', name);
      assert.deepEqual(registry.requests(), []);
      const { stdout } = await site.convert(both.map(([tag]) => `http://${nameOf(tag)}`));
      assert.deepEqual(stdout.match(/^\w+/gm), ['unchanged', 'unchanged']);
    });

    it('knows images by further names, and by the digests of manifest and index', async () => {
      const one = await startableImage('one\n');
      const index = imageIndex([{ image: one, platform: { os: 'linux', architecture: 'amd64' } }]);
      const [pinned] = [`${registry.host}/${LAB}@${index.manifest.digest}`];
      await publish([add('1', index), add('latest', index), `http://${pinned}`]);
      for (const name of [
        nameOf('1'),
        `${registry.host}/${LAB}`,
        pinned,
        `${registry.host}/${LAB}:1@${index.manifest.digest}`,
        `${registry.host}/${LAB}@${one.manifest.digest}`,
      ]) {
        assert.equal(await podman.inContainer(name, ...RELEASE), 'one\n', name);
      }
      assert.equal(formatReference(parseReference(pinned)), pinned);
    });

    it('leaves to a user the image of his own that has the same name', async () => {
      await publish([add('1', await startableImage('published\n'))]);
      add('own', await startableImage('own\n'));
      await podman.output('pull', '--quiet', '--tls-verify=false', nameOf('own'));
      await podman.output('tag', nameOf('own'), nameOf('1'));
      assert.equal(await release('1'), 'own\n');
    });

    it('has what a pull of the same image would copy', async () => {
      await publish([add('1', await startableImage('published\n'))]);
      registry.requests();
      await podman.output('pull', '--quiet', '--tls-verify=false', nameOf('1'));
      const layers = new Set(registry.store.image(LAB, '1')?.layers.map(({ digest }): string => digest));
      assert.equal(layers.size, 2);
      const copied = registry.blobRequests().filter((digest) => layers.has(digest));
      assert.deepEqual(copied, []);
      assert.equal(await release('1'), 'published\n');
    });

    it('stays readable whatever images claim', async () => {
      const layers = [await layer(busyboxLayer())];
      const good = add('good', await startableImage('good\n'));
      const hostile: readonly object[] = [
        { config: { Labels: { a: 1 } } },
        { config: { Env: 'x' } },
        { config: { Cmd: 'sh' } },
        { created: 'yesterday' },
        { history: 'none' },
        { Config: { env: [1] } },
        { author: 1 },
        { os: 'linux', deep: JSON.parse(`${'['.repeat(300)}${']'.repeat(300)}`) as unknown },
      ];
      const wishes = hostile.map((config, index) => add(`bad-${index}`, image({ layers, config })));
      const early = add('early', image({ layers, config: { created: '0001-01-01T00:00:00Z' } }));
      const { stderr } = await site.convert([good, early, ...wishes]);
      assert.deepEqual(
        (await listed()).filter((name) => !name.includes(':bad-')),
        ['early', 'good'].map(nameOf),
      );
      assert.equal(await release('good'), 'good\n');
      assert.ok((stderr.match(/is left out of the podman store/g) ?? []).length > 0, stderr);
      await podman.output('system', 'df');
    });
  });
}

function configOf({ blobs: [config] }: Image): Digest {
  assert.ok(config !== undefined);
  return config.digest;
}

/** Waits for a line in the pipe `path`, which comes to be there. What has `ended` before says why there will be none. */
async function untilReady(path: string, ended: Promise<PodmanOutcome>): Promise<void> {
  let outcome: PodmanOutcome | undefined;
  void ended.then((found) => (outcome = found));
  while (!existsSync(path)) {
    if (outcome !== undefined) throw new Error(outcome.stderr);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const found = await Promise.race([readFile(path), ended]);
  if ('stderr' in found) throw new Error(found.stderr);
}

async function inspected(podman: Podman, name: string): Promise<unknown> {
  const [found] = JSON.parse(await podman.output('image', 'inspect', name)) as Record<string, unknown>[];
  return Object.fromEntries(INSPECTED.map((key) => [key, found?.[key]]));
}
