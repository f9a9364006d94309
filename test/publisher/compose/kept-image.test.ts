import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { platformName } from '../../../publisher/image/layout.ts';
import { parsePlatform } from '../../../core/oci/platform.ts';
import { findPublished } from '../../../publisher/published/find-published.ts';
import { removeNames } from '../../../publisher/removal/removal.ts';
import { restoreName } from '../../../publisher/removal/restore.ts';
import { NamesBench, PLACES } from '../removal/names-bench.ts';

const WISH = { repository: 'lab/tool' };

for (const [where, make] of Object.entries(PLACES)) {
  describe(`publisher/compose/kept-image: an image whose tag moves, in ${where}`, () => {
    let bench: NamesBench;
    beforeEach(async () => (bench = await NamesBench.make(await make())));
    afterEach(async () => {
      assert.deepEqual(bench.place.problems(), []);
      await bench.close();
    });

    const at = (path: string): string => join(bench.place.folder(), path);

    /** Publishes what the tag leads to now, and gives the name by which its manifest for `platform` is kept. */
    async function publish(
      text: string,
      keptDigests?: number,
      platforms: readonly string[] = ['linux/amd64'],
    ): Promise<string[]> {
      const pushed = await bench.push('lab/tool', '1', text);
      const wanted = bench.wanted({ ...WISH, platforms });
      await bench.publish([{ ...wanted, ...(keptDigests !== undefined && { keptDigests }) }]);
      return platforms.map((platform) => {
        const { digest = '' } = pushed.images[platform.endsWith('arm64') ? 1 : 0]?.manifest ?? {};
        return platformName(parsePlatform(platform), wanted.publicName.replace(/:1$/, `@${digest}`));
      });
    }

    it('stays under its digest, in all forms, where somebody wants that', async () => {
      const platforms = ['linux/amd64', 'linux/arm64'];
      const names = await publish('one', 2, platforms);
      const { publicName: tag } = bench.wanted(WISH);
      for (const name of names) assert.ok(!existsSync(at(name)), name);
      await publish('two', 2, platforms);
      for (const [index, name] of names.entries()) {
        const architecture = index === 0 ? 'amd64' : 'arm64';
        assert.equal(readFileSync(at(`${name}/says`), 'latin1'), `${architecture} lab/tool one`);
        const { record } = JSON.parse(
          `{"record":${readFileSync(at(`.metadata/${name}/podman.json`), 'utf8')}}`,
        ) as { record: { name: string } };
        assert.equal(record.name, name.replace(/^\.multiarch\/arm64\//, ''));
      }
      const found = await findPublished(bench.publisher().view);
      const kept = found.flatMap(({ keptFor }) => keptFor ?? []);
      assert.deepEqual(kept.map(({ name }) => name).sort(), [`.multiarch/arm64/${tag}`, tag].sort());
      assert.ok(kept.every(({ since }) => Math.abs(Date.parse(since) - Date.now()) < 600_000));
      assert.equal(readFileSync(at(`${tag}/says`), 'latin1'), 'amd64 lab/tool two');
    });

    it('stays with its tag alone where nobody does, or where it did not move', async () => {
      const [first = ''] = await publish('one');
      const [second = ''] = await publish('two');
      await publish('two', 3);
      for (const name of [first, second]) assert.ok(!existsSync(at(`.metadata/${name}`)), name);
    });

    it('is kept anew each time that the tag moves, and goes and comes back as others do', async () => {
      const [one = ''] = await publish('one', 1);
      const [two = ''] = await publish('two', 1);
      await publish('one', 1);
      assert.ok(existsSync(at(`${one}/says`)) && existsSync(at(`${two}/says`)));
      const options = { nowMs: Date.now(), takesByHand: false };
      const publisher = bench.publisher();
      const report = await removeNames(publisher, [{ name: two, reason: 'test' }], options);
      assert.deepEqual(report.removed, [two]);
      assert.ok(!existsSync(at(two)) && !existsSync(at(`.metadata/${two}`)));
      assert.equal(await restoreName(publisher, two, { isAskedFor: true }), 'restored');
      assert.ok(existsSync(at(`${two}/says`)));
    });
  });
}

describe('publisher/compose/kept-image: what a tag led to', () => {
  let bench: NamesBench;
  beforeEach(async () => (bench = await NamesBench.make(await PLACES['a directory']())));
  afterEach(async () => await bench.close());

  it('is not kept where unpackd has no record of it', async () => {
    const first = await bench.push('lab/tool', '1', 'one');
    const wanted = { ...bench.wanted(WISH), keptDigests: 1 };
    await bench.publish([wanted]);
    for (const kind of ['flat', 'layers'])
      rmSync(join(bench.place.folder(), `.unpackd/${kind}`), { recursive: true });
    await bench.push('lab/tool', '1', 'two');
    await bench.publish([wanted]);
    const digest = first.images[0]?.manifest.digest ?? '';
    const name = wanted.publicName.replace(/:1$/, `@${digest}`);
    assert.ok(!existsSync(join(bench.place.folder(), `.metadata/${name}`)));
  });

  it('is as before where a wish asks for it by its digest', async () => {
    const first = await bench.push('lab/tool', '1', 'one');
    const wanted = { ...bench.wanted(WISH), keptDigests: 1 };
    const digest = first.images[0]?.manifest.digest ?? '';
    const { tag: _tag, ...reference } = wanted.reference;
    const pinned = { ...wanted, reference: { ...reference, tag: undefined, digest } };
    const publicName = wanted.publicName.replace(/:1$/, `@${digest}`);
    await bench.publish([wanted, { ...pinned, publicName }]);
    await bench.push('lab/tool', '1', 'two');
    await bench.publish([wanted]);
    assert.ok(existsSync(join(bench.place.folder(), `.metadata/${publicName}/manifest.json`)));
    assert.ok(!existsSync(join(bench.place.folder(), `.metadata/${publicName}/kept-for`)));
  });
});
