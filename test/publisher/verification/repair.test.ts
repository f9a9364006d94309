import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { flatPath, layerPath } from '../../../publisher/image/layout.ts';
import { removeNames } from '../../../publisher/removal/removal.ts';
import { DirectoryBackend } from '../../../publisher/repository/directory/backend.ts';
import { isSound } from '../../../publisher/verification/finding.ts';
import { file } from '../../support/images/layer-entry.ts';
import { PublishingBench } from '../../support/registry/publishing-bench.ts';
import { BASE, layersOf, linesOf, Scene, TOP } from './damaged.ts';
import { DAMAGES, Target } from './damages.ts';
import { needsRoot } from '../../support/programs.ts';

describe('publisher/verification/repair', () => {
  let scene: Scene;
  let name: string;
  let other: string;
  let target: Target;

  beforeEach(async () => {
    scene = await Scene.make();
    const layers = await layersOf(BASE, TOP);
    name = await scene.publish('lab/tool', layers);
    other = await scene.publish('lab/other', await layersOf(BASE, [file('else', 'else')]));
    target = new Target(scene.bench.repository, name);
    scene.registry.requests();
  });
  afterEach(async () => await scene.close());

  async function repaired(isDeep = true): Promise<void> {
    const broken = (await scene.verify([name, other], { isDeep })).filter((found) => !isSound(found));
    assert.notEqual(broken.length, 0, 'nothing is found');
    assert.deepEqual(await scene.repair(broken), {});
    await assertSound();
  }

  async function assertSound(): Promise<void> {
    for (const found of await scene.verify([name, other], { isDeep: true }))
      assert.deepEqual(linesOf(found), [], JSON.stringify(found.findings, undefined, 1));
  }

  for (const { what, isRoots, damage } of DAMAGES) {
    it(`repairs that ${what}`, async function () {
      if (isRoots === true) needsRoot(this);
      const link = readlinkSync(target.at(name));
      damage(target);
      await repaired();
      assert.equal(readlinkSync(target.at(name)), link);
    });
  }

  it('repairs many damages at once', async () => {
    const some = /^(?:mode|size|podman podman.json|target NAME|marker)/;
    for (const { damage } of DAMAGES.filter(({ finding }) => some.test(finding))) damage(target);
    await repaired();
  });

  it('makes nothing again that is as it should be', async () => {
    const before = lstatSync(join(target.top, 'etc/hosts')).ino;
    unlinkSync(join(target.flat, 'bin/tool'));
    const chain = lstatSync(join(target.chain, 'bin/tool')).ino;
    await repaired();
    assert.equal(lstatSync(join(target.top, 'etc/hosts')).ino, before);
    assert.equal(lstatSync(join(target.chain, 'bin/tool')).ino, chain);
  });

  it('fetches only what is broken, by its digest, though the tag has moved', async () => {
    scene.moveTag('lab/tool', await layersOf([file('new', 'new')]));
    truncateSync(join(target.top, 'etc/hosts'), 1);
    const [found] = await scene.verify([name]);
    assert.ok(found !== undefined);
    scene.registry.requests();
    assert.deepEqual(await scene.repair([found]), {});
    assert.deepEqual(
      scene.registry.requests().filter((line) => !line.endsWith('/v2/')),
      [`GET /v2/lab/tool/blobs/${target.layers[1]}`],
    );
    await assertSound();
  });

  describe('of what another process changes meanwhile', () => {
    let another: PublishingBench;
    beforeEach(async () => {
      const { repository: path } = scene.bench;
      const backend = new DirectoryBackend({ root: dirname(path), waitMs: 0, allowPrivileged: false });
      another = await PublishingBench.make({ place: { backend, name: basename(path), path } });
    });
    afterEach(async () => await another.close());

    const CHANGES: [what: string, change: () => Promise<void>][] = [
      [
        'takes back no new image',
        async () => {
          scene.moveTag('lab/tool', await layersOf([file('new', 'new')]));
          await another.publish([scene.referenceOf(name) ?? assert.fail()]);
          assert.deepEqual(another.ended, [`${name} published`]);
        },
      ],
      [
        'gives no name again',
        async () => {
          const options = { nowMs: 0, takesByHand: true };
          const { removed } = await removeNames(
            another.publisher,
            [{ name, reason: 'nobody asks' }],
            options,
          );
          assert.deepEqual(removed, [name]);
        },
      ],
    ];
    for (const [what, change] of CHANGES) {
      it(`${what}, and leaves what stands in its way`, async () => {
        const tool = join(target.flat, 'bin/tool');
        rmSync(tool);
        mkdirSync(tool);
        const { publisher } = scene.bench;
        publisher.pause(true);
        const repair = scene.repair(await scene.verify([name]));
        while (publisher.state.ready.length === 0) await turn();
        await change();
        const link = lstatSync(target.at(name), { throwIfNoEntry: false })?.ino;
        publisher.pause(false);
        assert.deepEqual(await repair, { [name]: 'repository-conflict' });
        assert.equal(lstatSync(target.at(name), { throwIfNoEntry: false })?.ino, link);
        assert.ok(lstatSync(tool).isDirectory());
      });
    }
  });

  describe('of a manifest that is lost', () => {
    const LOSSES: [what: string, lose: () => void][] = [
      ['gone', () => rmSync(target.manifest)],
      ['cut', () => truncateSync(target.manifest, 100)],
      ['changed in its spaces', () => appendFileSync(target.manifest, '\n')],
    ];
    for (const [what, lose] of LOSSES) {
      it(`brings back one that is ${what} from the podman store`, async () => {
        const bytes = readFileSync(target.manifest);
        await scene.registry.close();
        lose();
        truncateSync(join(target.flat, '.singularity.d/runscript'), 1);
        const broken = (await scene.verify([name, other])).filter((found) => !isSound(found));
        assert.deepEqual(await scene.repair(broken), {});
        assert.deepEqual(readFileSync(target.manifest), bytes);
        for (const found of await scene.verify([name, other])) assert.deepEqual(linesOf(found), []);
      });
    }

    it('brings it back from the registry, where the tag still means the same', async () => {
      const bytes = readFileSync(target.manifest);
      rmSync(target.at('podmanStore'), { recursive: true });
      rmSync(target.podmanRecord);
      truncateSync(target.manifest, 100);
      await repaired();
      assert.deepEqual(readFileSync(target.manifest), bytes);
    });

    it('fails where the tag means something else now, and takes nothing of that', async () => {
      scene.moveTag('lab/tool', await layersOf([file('new', 'new')]));
      rmSync(target.at('podmanStore'), { recursive: true });
      rmSync(target.podmanRecord);
      truncateSync(target.manifest, 100);
      const [found] = await scene.verify([name]);
      assert.ok(found !== undefined);
      assert.equal(found.unknown.length, 1);
      const link = readlinkSync(target.at(name));
      assert.deepEqual(await scene.repair([found]), { [name]: 'manifest-invalid' });
      assert.equal(readlinkSync(target.at(name)), link);
    });
  });

  it('leaves what somebody has put in the place of a public name, and says so', async () => {
    unlinkSync(target.at(name));
    mkdirSync(target.at(name));
    writeFileSync(join(target.at(name), 'theirs'), '');
    const [found] = await scene.verify([name]);
    assert.ok(found !== undefined && !isSound(found));
    assert.deepEqual(await scene.repair([found]), { [name]: 'repository-conflict' });
    assert.deepEqual(readdirSync(target.at(name)), ['theirs']);
  });

  describe('leaves the link in place of a folder through which other images are found', () => {
    for (const of of [
      () => '.flat',
      () => join(target.flat, '..'),
      () => '.layers',
      () => join(target.base, '../..'),
      () => join(target.chain, '..'),
      () => '.metadata',
      () => `.metadata/${dirname(name)}`,
      () => 'podmanStore',
      () => 'podmanStore/overlay',
    ])
      it(of.toString().slice('() => '.length), async () => {
        const folder = resolve(target.at('.'), of());
        renameSync(folder, `${folder}-moved`);
        symlinkSync(`${folder}-moved`, folder);
        await scene.repair(await scene.verify([name]));
        assert.ok(lstatSync(folder).isSymbolicLink());
        assert.ok(existsSync(join(target.at(other), 'else')));
      });
  });

  describe('without the registry', () => {
    const REPAIRABLE: [what: string, damage: () => void][] = [
      ['the flat tree', () => rmSync(target.flat, { recursive: true })],
      ['a chain', () => rmSync(target.chain, { recursive: true })],
      ['the public name', () => rmSync(target.at(name))],
      ['the metadata of a layer', () => rmSync(target.layerMetadata, { recursive: true })],
      ['the record of a layer', () => rmSync(target.record('layers'))],
      ['the record for podman', () => rmSync(target.podmanRecord)],
      ['the podman store', () => rmSync(target.at('podmanStore'), { recursive: true })],
    ];
    for (const [what, damage] of REPAIRABLE) {
      it(`repairs ${what}`, async () => {
        await scene.registry.close();
        damage();
        const broken = (await scene.verify([name, other])).filter((found) => !isSound(found));
        assert.notEqual(broken.length, 0);
        assert.deepEqual(await scene.repair(broken), {});
        for (const found of await scene.verify([name, other])) assert.deepEqual(linesOf(found), []);
      });
    }

    it('fails for a layer, and leaves all as it is', async () => {
      await scene.registry.close();
      rmSync(target.base, { recursive: true });
      writeFileSync(target.base, 'in the way');
      const [found] = await scene.verify([name]);
      assert.ok(found !== undefined);
      assert.deepEqual(await scene.repair([found]), { [name]: 'registry-unreachable' });
      assert.ok(lstatSync(target.base).isFile());
      assert.ok(lstatSync(target.at(flatPath(target.config))).isDirectory());
      assert.ok(lstatSync(target.at(layerPath(target.layers[1]))).isDirectory());
    });
  });
});
