import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RepositoryPublisher } from '../../../publisher/pipeline/repository-publisher.ts';
import { markByHand } from '../../../publisher/removal/mark-by-hand.ts';
import { previewRemoval, removeNames, type NameToRemove } from '../../../publisher/removal/removal.ts';
import { restoreName } from '../../../publisher/removal/restore.ts';
import { NamesBench, PLACES } from './names-bench.ts';

const OPTIONS = { nowMs: Date.UTC(2026, 0, 2), takesByHand: false };

describe('publisher/removal/checks: a name is taken back', () => {
  let bench: NamesBench;
  let publisher: RepositoryPublisher;
  let name: string;
  let config: string;

  beforeEach(async () => {
    bench = await NamesBench.make(await PLACES['a directory']());
    name = await bench.publishTool();
    publisher = bench.publisher();
    const manifest = JSON.parse(readFileSync(at(`.metadata/${name}/manifest.json`), 'utf8')) as {
      readonly config: { readonly digest: string };
    };
    config = manifest.config.digest;
  });
  afterEach(async () => await bench.close());

  const at = (path: string): string => join(bench.place.folder(), path);
  const treeOf = (kind: string): string => `${kind}/${config.slice(7, 9)}/${config.slice(7)}`;

  async function remove(extra: Partial<NameToRemove> = {}, takesByHand = false): Promise<string | undefined> {
    const names = [{ name, reason: 'line gone', ...extra }];
    const options = { ...OPTIONS, takesByHand };
    const preview = await previewRemoval(publisher, names, options);
    const publications = publisher.publications;
    const { removed, kept } = await removeNames(publisher, names, options);
    assert.deepEqual(preview, { removed, kept });
    assert.equal(publisher.publications - publications, removed.length);
    return kept.get(names[0]?.name ?? '');
  }

  /** What keeps a name, and where it is said. */
  const doubts: readonly (readonly [
    what: string,
    change: () => Promise<void> | void,
    why: RegExp,
    extra?: object,
  ])[] = [
    ['is not published', () => undefined, /not published/, { name: 'quay.io/no/such:1' }],
    [
      'has another image by now',
      () => undefined,
      /another image by now/,
      { config: `sha256:${'0'.repeat(64)}` },
    ],
    ['was published by hand', async () => await markByHand(publisher, [name]), /by hand/],
    [
      'has a manifest that cannot be read',
      () => writeFileSync(at(`.metadata/${name}/manifest.json`), '{'),
      /cannot be read/,
    ],
    [
      'has a folder in the place of its link',
      () => {
        rmSync(at(name));
        mkdirSync(at(name));
      },
      /no link to its flat tree/,
    ],
    [
      'leads elsewhere',
      () => {
        rmSync(at(name));
        symlinkSync('../elsewhere', at(name));
      },
      /no link to its flat tree/,
    ],
    [
      'is of nobody known',
      () =>
        rmSync(at('.unpackd/flat'), { recursive: true }) ??
        rmSync(at('.unpackd/layers'), { recursive: true }),
      /no record/,
    ],
  ];
  for (const [what, change, why, extra] of doubts) {
    it(`unless it ${what}`, async () => {
      await change();
      assert.match((await remove(extra)) ?? '', why);
      assert.ok(existsSync(at(`.metadata/${name}/manifest.json`)));
    });
  }

  it('while it leads to the image that is meant, and by hand whoever published it', async () => {
    await markByHand(publisher, [name]);
    assert.equal(await remove({ config }, true), undefined);
    assert.ok(!existsSync(at(name)) && !existsSync(at(`.metadata/${name}`)));
  });

  it('while its trees, and what others put beside its metadata, stay', async () => {
    writeFileSync(at(`.metadata/${name}/notes.txt`), 'of somebody');
    writeFileSync(at(`${dirname(name)}/.cvmfscatalog`), '');
    assert.equal(await remove(), undefined);
    assert.ok(existsSync(at(treeOf('.flat'))) && existsSync(at(treeOf('.unpackd/flat'))));
    assert.equal(readFileSync(at(`.metadata/${name}/notes.txt`), 'utf8'), 'of somebody');
    assert.ok(
      existsSync(at(`${dirname(name)}/.cvmfscatalog`)) && !existsSync(at(`.metadata/${name}/manifest.json`)),
    );
  });

  it('with the reason and the time noted, and others in the same publication', async () => {
    const before = publisher.publications;
    const names = [
      { name, reason: 'line gone' },
      { name: 'quay.io/no/such:1', reason: 'line gone' },
    ];
    const report = await removeNames(publisher, names, OPTIONS);
    assert.deepEqual([report.removed, [...report.kept.keys()]], [[name], ['quay.io/no/such:1']]);
    assert.equal(publisher.publications, before + 1);
    assert.deepEqual(JSON.parse(readFileSync(at(`.unpackd/removed/${name}/removed.json`), 'utf8')), {
      format: 1,
      removed: '2026-01-02T00:00:00.000Z',
      reason: 'line gone',
      outputs: ['layers', 'chains', 'podman', 'flat'],
      variant: false,
      incomplete: false,
    });
  });

  it('where the podman store can do without it, and stays otherwise', async () => {
    rmSync(at('podmanStore'), { recursive: true });
    writeFileSync(at('podmanStore'), '');
    const { removed, kept } = await removeNames(publisher, [{ name, reason: '' }], OPTIONS);
    assert.deepEqual(removed, []);
    assert.match(kept.get(name) ?? '', /podmanStore/);
    assert.ok(existsSync(at(name)));
  });

  describe('and restored', () => {
    beforeEach(async () => assert.equal(await remove(), undefined));
    const restore = async (isAskedFor = false) => await restoreName(publisher, name, { isAskedFor });

    it('in the forms that it had last, not in those of an earlier removal', async () => {
      assert.ok(existsSync(at(`.unpackd/removed/${name}/podman.json`)));
      await bench.publish([bench.wanted({ repository: 'lab/tool', outputs: ['layers', 'flat'] })]);
      assert.equal(await remove(), undefined);
      assert.ok(!existsSync(at(`.unpackd/removed/${name}/podman.json`)));
      assert.equal(await restore(), 'restored');
      assert.ok(existsSync(at(name)) && !existsSync(at(`.metadata/${name}/podman.json`)));
    });

    it('as published by hand, unless somebody asks for it', async () => {
      assert.equal(await restore(), 'restored');
      assert.ok(existsSync(at(`.metadata/${name}/by-hand`)));
      assert.ok(!existsSync(at(`.unpackd/removed/${name}`)));
      assert.match((await remove()) ?? '', /by hand/);
    });

    it('unless nothing is kept of it', async () => {
      assert.equal(await restoreName(publisher, 'quay.io/no/such:1', { isAskedFor: false }), 'unknown');
      writeFileSync(at(`.unpackd/removed/${name}/removed.json`), '{"format":2}');
      assert.equal(await restore(), 'unknown');
    });

    for (const [what, path] of Object.entries({
      'its flat tree': (): string => treeOf('.flat'),
      'the record of its flat tree': (): string => treeOf('.unpackd/flat'),
      'a layer': (): string => '.layers',
      'a chain': (): string => '.chains',
      'its config in the podman store': (): string => `podmanStore/overlay-images/${config.slice(7)}`,
    })) {
      it(`unless ${what} is gone`, async () => {
        rmSync(at(path()), { recursive: true });
        assert.equal(await restore(), 'trees-gone');
        assert.ok(!existsSync(at(name)));
      });
    }

    it('with the marks of its trees taken away', async () => {
      const marks = { format: 1, at: '2026-01-02T00:00:00.000Z', revision: null };
      const mark = { since: '2026-01-02T00:00:00.000Z', revision: null };
      const other = `flat/${'0'.repeat(64)}`;
      const trees = { [`flat/${config.slice(7)}`]: mark, [other]: mark };
      writeFileSync(at('.unpackd/unreferenced.json'), JSON.stringify({ ...marks, trees }));
      assert.equal(await restore(), 'restored');
      const left = JSON.parse(readFileSync(at('.unpackd/unreferenced.json'), 'utf8')) as { trees: object };
      assert.deepEqual(Object.keys(left.trees), [other]);
    });
  });
});
