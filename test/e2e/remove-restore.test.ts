import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openState } from '../../daemon/state/open-state.ts';
import type { State } from '../../daemon/state/state.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site } from '../support/e2e/site.ts';
import { runHere, type OutcomeHere } from '../support/e2e/unpackd.ts';
import { image } from '../support/images/image.ts';
import { file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';

for (const kind of BACKENDS) {
  describe(`e2e/remove-restore: unpackd remove and restore, backend ${kind}`, () => {
    let registry: TestRegistry;
    let site: Site;
    let wishes: string[];
    let names: string[];

    beforeEach(async () => {
      registry = await TestRegistry.start();
      site = await Site.make(kind);
      wishes = [];
      for (const name of ['one', 'two'])
        wishes.push(registry.add(`lab/${name}`, '1', image({ layers: [await layer([file('says', name)])] })));
      names = wishes.map((wish) => wish.replace('http://', ''));
    });
    afterEach(async () => {
      assert.deepEqual(site.fixture?.problems(REPOSITORY) ?? [], []);
      await registry.close();
      await site.close();
    });

    const at = (path = ''): string => join(site.published, path);
    const isPublished = (name = ''): boolean => existsSync(at(name));

    async function unpackd(status: number, ...words: readonly string[]): Promise<OutcomeHere> {
      const outcome = await runHere([...words, ...site.options]);
      assert.equal(outcome.status, status, outcome.stdout + outcome.stderr);
      return outcome;
    }

    async function inState<T>(read: (state: State) => Promise<T>): Promise<T> {
      const state = await openState(site.state, assert.fail);
      try {
        return await read(state);
      } finally {
        await state.close();
      }
    }

    const namesOf = (records: readonly { readonly publicName: string }[]): string[] =>
      records.map(({ publicName }) => publicName);
    const recorded = async (): Promise<string[]> =>
      await inState(async ({ images }) => namesOf(await images.of(REPOSITORY)));
    const asked = async (): Promise<string[]> =>
      await inState(async ({ wishes: lines }) => namesOf(await lines.of(REPOSITORY)));

    it('takes an image back and gives it again, without the registry', async () => {
      await site.convertHere(wishes);
      await site.convertHere(wishes.slice(1));
      const [one = '', two = ''] = names;
      const { stdout: preview } = await unpackd(0, 'remove', '--dry-run', one);
      assert.match(preview, /would remove .*lab\/one:1 from/);
      assert.ok(isPublished(one));

      const { stdout } = await unpackd(0, 'remove', one);
      assert.match(stdout, /^removed .*lab\/one:1 from images.unpackd.test\n.*gc/);
      assert.ok(!isPublished(one) && isPublished(two));
      const unknown = await unpackd(2, 'remove', one);
      assert.match(unknown.stderr, /argument-unknown.*did you mean .*two:1/);

      registry.requests();
      const restored = await unpackd(0, 'restore', one);
      assert.match(restored.stdout, /^restored .*lab\/one:1 in/);
      assert.ok(isPublished(`${one}/says`));
      assert.deepEqual(registry.requests(), []);
      // Or else no plan would know of it.
      assert.ok((await recorded()).includes(one));
      await unpackd(2, 'restore', one);
      const again = await unpackd(0, 'remove', '--json', `*/lab/one:*`);
      assert.deepEqual(JSON.parse(again.stdout), {
        isDryRun: false,
        repositories: [{ repository: REPOSITORY, removed: [one], kept: [] }],
      });
    });

    it('works beside the daemon, which neither takes back what is restored nor publishes what is removed', async () => {
      const [one = '', two = ''] = names;
      await site.convertHere(wishes);
      const recipe = site.recipe(wishes.slice(1));
      const daemon = site.startDaemon(site.configuration([`- file: ${recipe}`]));
      try {
        await daemon.until(async () => !(await asked()).includes(one));
        await unpackd(0, 'remove', one);
        assert.ok(!isPublished(one) && isPublished(two));
        await unpackd(0, 'restore', one);
        assert.ok(isPublished(one));
        registry.add('lab/two', '1', image({ layers: [await layer([file('says', 'newer')])] }));
        await daemon.until(() => contentOf(at(`${two}/says`)) === 'newer');
        assert.ok(isPublished(`${one}/says`) && isPublished(`.metadata/${one}/by-hand`));
        const { stderr } = await unpackd(1, 'remove', two);
        assert.match(stderr, /still-wanted/);
      } finally {
        daemon.child.kill('SIGTERM');
        await daemon.ended();
      }
    });

    it('refuses an image that a line asks for', async () => {
      await site.convertHere(wishes);
      const { stderr } = await unpackd(1, 'remove', names[0] ?? '');
      assert.match(stderr, /still-wanted.*recipe-1\.yaml:4 asks for it/);
      assert.ok(isPublished(names[0]));
    });

    // What cvmfs_server publishes, nobody but it can take away.
    (kind === 'directory' ? it : it.skip)(
      'publishes an image from its registry again, as it was, once its trees are gone',
      async () => {
        const [wish = ''] = wishes;
        const [name = ''] = names;
        await unpackd(0, 'convert-single-image', wish, REPOSITORY);
        assert.ok(isPublished(`.metadata/${name}/by-hand`));
        await unpackd(0, 'remove', name);
        // The tag leads to another image by now.
        registry.add('lab/one', '1', image({ layers: [await layer([file('says', 'new')])] }));
        rmSync(at('.flat'), { recursive: true });
        const { stdout } = await unpackd(0, 'restore', wish);
        assert.match(stdout, /^published .*lab\/one:1 again/);
        assert.ok(isPublished(`${name}/says`) && isPublished(`.metadata/${name}/by-hand`));
      },
    );

    it('marks what is published already once somebody asks for it by hand', async () => {
      await site.convertHere(wishes);
      assert.ok(!isPublished(`.metadata/${names[0] ?? ''}/by-hand`));
      await unpackd(0, 'convert-single-image', wishes[0] ?? '', REPOSITORY);
      assert.ok(isPublished(`.metadata/${names[0] ?? ''}/by-hand`));
    });
  });
}

/** While cvmfs_server mounts anew, nothing is there. */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
