import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageFindings } from '../../../publisher/verification/finding.ts';
import { file } from '../../support/images/layer-entry.ts';
import { BASE, layersOf, linesOf, Scene, TOP } from './damaged.ts';
import { DAMAGES, Target } from './damages.ts';
import { needsRoot } from '../../support/programs.ts';

describe('publisher/verification/verify', () => {
  let scene: Scene;
  let names: string[];
  let target: Target;
  let sound: string;

  before(async () => {
    scene = await Scene.make();
    const { repository } = scene.bench;
    const layers = await layersOf(BASE, TOP);
    const name = await scene.publish('lab/tool', layers);
    const other = await scene.publish('lab/other', await layersOf(BASE, [file('else', 'else')]));
    names = [name, other];
    target = new Target(repository, name);
    sound = `${repository}-sound`;
    execFileSync('cp', ['-a', '--no-target-directory', repository, sound]);
  });
  after(async () => await scene.close());

  /** What is found of the first image. */
  async function findings(isDeep = false): Promise<ImageFindings> {
    const [found] = await scene.verify(names, { isDeep });
    assert.ok(found !== undefined);
    return found;
  }

  function restore(): void {
    const { repository } = scene.bench;
    rmSync(repository, { recursive: true });
    execFileSync('cp', ['-a', '--no-target-directory', sound, repository]);
  }

  for (const isDeep of [false, true]) {
    it(`finds nothing wrong with what was just published${isDeep ? ', contents compared' : ''}`, async () => {
      for (const found of await scene.verify(names, { isDeep })) {
        assert.deepEqual(linesOf(found), [], JSON.stringify(found.findings, undefined, 1));
        assert.equal(found.brokenTrees.size, 0);
      }
    });
  }

  describe('of what is damaged', () => {
    afterEach(restore);

    for (const { what, finding, isDeep = false, isRoots, damage } of DAMAGES) {
      it(`finds that ${what}`, async function () {
        if (isRoots === true) needsRoot(this);
        damage(target);
        const lines = linesOf(await findings(isDeep));
        assert.ok(
          lines.some((line) => isFinding(line, finding, target.name)),
          `${finding} is not among\n${lines.join('\n')}`,
        );
      });
    }

    for (const text of ['', '{', '{"schemaVersion":2}', undefined]) {
      it(`finds that the manifest is ${text === undefined ? 'gone' : JSON.stringify(text)}`, async () => {
        if (text === undefined) rmSync(target.manifest);
        else writeFileSync(target.manifest, text);
        assert.deepEqual(linesOf(await findings()), [`metadata .metadata/${target.name}/manifest.json`]);
      });
    }

    it('finds a manifest with other bytes that mean the same', async () => {
      appendFileSync(target.manifest, '\n');
      assert.deepEqual(linesOf(await findings()), [`metadata .metadata/${target.name}/manifest.json`]);
    });

    it('finds all else that is wrong with an image that has no manifest any more', async () => {
      rmSync(target.manifest);
      truncateSync(join(target.flat, 'data/old'), 1);
      const lines = linesOf(await findings());
      assert.ok(
        lines.some((line) => line.startsWith('size ')),
        lines.join('\n'),
      );
    });

    it('counts what it does not list', async () => {
      for (let count = 0; count < 60; count++) writeFileSync(join(target.flat, `more${count}`), '');
      const { findings: listed, more } = await findings();
      assert.equal(listed.length, 50);
      assert.equal(more, 11);
    });

    it('finds nothing with the contents of files unless it looks at them', async () => {
      const { damage } = DAMAGES.find(({ finding }) => finding === 'content layerfs/data/old') ?? {};
      damage?.(target);
      assert.deepEqual(linesOf(await findings()), []);
      const found = await findings(true);
      assert.deepEqual(
        [...found.brokenTrees.keys()].map((name) => name.split('/')[0]),
        ['layers', 'chains', 'chains', 'flat'],
      );
    });
  });

  describe('of which the registry has nothing any more', () => {
    before(async () => await scene.registry.close());
    afterEach(restore);

    it('still finds everything else, from what is known', async () => {
      truncateSync(join(target.base, 'data/old'), 1);
      const found = await findings();
      assert.ok(linesOf(found).some((line) => line.startsWith('size ')));
      assert.deepEqual(found.unknown, []);
    });

    it('says that it knows nothing of a layer whose listing is lost', async () => {
      rmSync(scene.bench.listings, { recursive: true });
      const found = await findings();
      assert.deepEqual(found.findings, []);
      assert.equal(found.unknown.length, 2);
      assert.match(found.unknown[0] ?? '', /^layer sha256:/);
    });
  });
});

/** `…` stands for the rest of a path, `NAME` for the public name. */
function isFinding(line: string, finding: string, name: string): boolean {
  const [kind, ...path] = finding.replace('NAME', name).split(' ');
  const end = path.join(' ');
  if (!line.startsWith(`${kind} `)) return false;
  return end.endsWith('…') ? line.startsWith(`${kind} ${end.slice(0, -1)}`) : line.endsWith(end);
}
