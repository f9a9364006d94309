import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSource } from '../../../wishlist/sources/fetch-file.ts';
import { DaemonRig } from '../../support/daemon/rig.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { recipeText } from '../../support/git/upstream.ts';
import { image } from '../../support/images/image.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer } from '../../support/images/layer.ts';
import { PATIENCE_MS } from '../../support/patience.ts';
import { FaultServer } from '../../support/registry/fault-server.ts';
import { drip, type Fault } from '../../support/registry/faults.ts';
import { buildImage, plainLayer } from '../../support/registry/image.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { openState } from '../../../daemon/state/open-state.ts';

/** A page with one more tag every few milliseconds, and so on without end. */
const ENDLESS_LIST: Fault = (response) => {
  const page = Number(/page=(\d+)/.exec(response.req.url ?? '')?.[1] ?? 0);
  const link = `</v2/lab/slow/tags/list?page=${page + 1}>; rel="next"`;
  const answer = (): void =>
    void response.writeHead(200, { link }).end(JSON.stringify({ tags: [`t${page}`] }));
  setTimeout(answer, 5);
};

const IMAGES = Array.from({ length: 40 }, (_, index) =>
  buildImage({ layers: [plainLayer(Buffer.from(`layer ${index}`.repeat(100)))] }),
);

/** What a registry does, and what people ask of it. */
const ATTACKS: Readonly<
  Record<string, { readonly attack: (slow: FaultServer) => void; readonly wishes: readonly string[] }>
> = {
  'drips a list of tags without end': {
    attack: (slow) => slow.fail(/tags/, ENDLESS_LIST),
    wishes: ['lab/slow:*'],
  },
  'drips the manifests of more images than are looked at together': {
    attack: (slow) => slow.fail(/GET .*manifests/, drip()),
    wishes: IMAGES.map((_, index) => `lab/slow:${index}`),
  },
  'drips the layers of more images than are fetched together': {
    attack: (slow) => {
      for (const [index, one] of IMAGES.entries()) {
        slow.addImage('lab/slow', `${index}`, one);
        slow.fail(new RegExp([...one.blobs.keys()].at(-1) ?? ''), drip());
      }
    },
    wishes: IMAGES.map((_, index) => `lab/slow:${index}`),
  },
};

describe('daemon/service/slow-registries', () => {
  for (const [what, { attack, wishes }] of Object.entries(ATTACKS)) {
    it(`publishes what others have, again and again, while one ${what}`, async () => {
      const [good, slow] = [await TestRegistry.start(), await FaultServer.start()];
      attack(slow);
      const recipe = join(await temporaryDirectory('wishes'), 'recipe.yaml');
      const rig = await DaemonRig.make({
        sources: [fileSource({ name: 'lab', path: recipe })],
        flags: { 'batch-age': '0s' },
        patienceMs: 50,
      });
      const published = join(rig.root, 'images.unpackd.test');
      await mkdir(published, { recursive: true });
      const push = async (content: string): Promise<void> => {
        good.add('lab/tool', '1', image({ layers: [await layer([file('version', content)])] }));
      };
      const lines = wishes.map((name) => `http://${slow.host}/${name}`);
      await writeFile(recipe, recipeText(...lines, `http://${good.host}/lab/tool:*`));
      const version = join(published, good.host, 'lab/tool:1/version');
      try {
        await rig.launch();
        for (const content of ['old', 'new']) {
          await push(content);
          await until(() => {
            rig.tick();
            return existsSync(version) && readFileSync(version, 'utf8') === content;
          });
        }
        assert.ok(slow.seen.length > 0);
      } finally {
        await rig.stop();
        await good.close();
        await slow.close();
      }
    });
  }

  const HANGING: readonly (readonly [what: string, isSame: boolean])[] = [
    ['another registry does', false],
    ['it does itself, for another image', true],
  ];
  for (const [what, isSame] of HANGING) {
    it(`publishes an image at once, however long batches wait, while a registry hangs: ${what}`, async () => {
      const [good, other] = [await FaultServer.start(), await FaultServer.start()];
      const slow = isSame ? good : other;
      slow.fail(/manifests\/hanging/, drip());
      const { bytes } = await layer([file('version', 'new')], { compression: 'plain' });
      good.addImage('lab/tool', '1', buildImage({ layers: [plainLayer(bytes)] }));
      const recipe = join(await temporaryDirectory('wishes'), 'recipe.yaml');
      const lines = [`http://${slow.host}/lab/slow:hanging`, `http://${good.host}/lab/tool:1`];
      await writeFile(recipe, recipeText(...lines));
      const rig = await DaemonRig.make({
        sources: [fileSource({ name: 'lab', path: recipe })],
        flags: { 'batch-age': '1d' },
      });
      const published = join(rig.root, 'images.unpackd.test');
      await mkdir(published, { recursive: true });
      try {
        await rig.launch();
        await until(() => existsSync(join(published, good.host, 'lab/tool:1/version')));
        assert.ok(slow.seen.some(({ url }) => url.endsWith('/hanging')));
      } finally {
        await rig.stop();
        await good.close();
        await other.close();
      }
    });
  }

  it('publishes what a late list of tags means when that has come, without waiting for the next cycle', async () => {
    const slow = await FaultServer.start();
    const { bytes } = await layer([file('version', 'late')], { compression: 'plain' });
    slow.addImage('lab/tool', '1', buildImage({ layers: [plainLayer(bytes)] }));
    let answer = (): void => assert.fail('no list was asked for');
    slow.guard = ({ url }, response) => {
      if (url?.includes('/tags/') !== true) return false;
      answer = () => void response.end(JSON.stringify({ name: 'lab/tool', tags: ['1'] }));
      return true;
    };
    const recipe = join(await temporaryDirectory('wishes'), 'recipe.yaml');
    await writeFile(recipe, recipeText(`http://${slow.host}/lab/tool:*`));
    const rig = await DaemonRig.make({
      sources: [fileSource({ name: 'lab', path: recipe })],
      flags: {},
      patienceMs: 50,
    });
    const published = join(rig.root, 'images.unpackd.test');
    await mkdir(published, { recursive: true });
    try {
      await rig.start();
      answer();
      await until(() => existsSync(join(published, slow.host, 'lab/tool:1/version')));
    } finally {
      await rig.stop();
      await slow.close();
    }
  });

  it('sets it aside, says so, keeps what is published, and asks it again', async () => {
    const slow = await FaultServer.start();
    const recipe = join(await temporaryDirectory('wishes'), 'recipe.yaml');
    const rig = await DaemonRig.make({
      sources: [fileSource({ name: 'lab', path: recipe })],
      // Longer than a loaded machine takes for what a registry gives at once.
      flags: { 'batch-age': '0s', 'manifest-timeout': '8s' },
    });
    const published = join(rig.root, 'images.unpackd.test', slow.host);
    await mkdir(join(rig.root, 'images.unpackd.test'), { recursive: true });
    const add = async (name: string): Promise<void> => {
      const { bytes } = await layer([file('name', name)], { compression: 'plain' });
      slow.addImage(`lab/${name}`, '1', buildImage({ layers: [plainLayer(bytes)] }));
    };
    const wish = async (...names: string[]): Promise<void> => {
      await writeFile(recipe, recipeText(...names.map((name) => `http://${slow.host}/lab/${name}:1`)));
    };
    try {
      await add('old');
      await wish('old');
      await rig.start();
      assert.ok(existsSync(join(published, 'lab/old:1/name')));
      await add('new');
      await wish('old', 'new');
      slow.guard = (_, response) => {
        drip()(response, undefined);
        return true;
      };
      await rig.cycle();
      slow.guard = () => false;
      await add('newer');
      await wish('old', 'new', 'newer');
      slow.takeRequests();
      await rig.cycle();
      assert.deepEqual(slow.takeRequests(), []);
      const state = await openState(rig.state, () => undefined);
      const failing = await state.attempts.failing('images.unpackd.test');
      await state.close();
      assert.match(
        failing.get(`${slow.host}/lab/newer:1`)?.failure.message ?? '',
        /the registry \S+ is set aside until .*: .* not all of it came within 8 s/,
      );
      assert.ok(existsSync(join(published, 'lab/old:1/name')));
      await rig.pass(11);
      for (const name of ['old', 'new', 'newer'])
        assert.ok(existsSync(join(published, `lab/${name}:1/name`)), name);
    } finally {
      await rig.stop();
      await slow.close();
    }
  });
});

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, 'it has not come to it');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
