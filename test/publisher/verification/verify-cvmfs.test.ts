import assert from 'node:assert/strict';
import { isSound } from '../../../publisher/verification/finding.ts';
import { NAME, Scene as CvmfsScene } from '../repository/cvmfs/scene.ts';
import { BASE, layersOf, linesOf, Scene, TOP } from './damaged.ts';
import { DAMAGES, Target } from './damages.ts';
import { describeWith } from '../../support/programs.ts';

/** One of each kind: each takes several transactions. */
const SOME: ReadonlySet<string> = new Set([
  'a file of a layer is missing',
  'a file has another mode',
  'a folder has another mode',
  'a file is a folder',
  'a deletion is an empty file',
  'an opaque folder is not any more',
  'a layer is gone',
  'the mark of a catalog is gone',
  'the public name leads elsewhere',
  "podman's manifest is changed",
]);

/** The double's server has no times before 1970. */
const OF_NOW = BASE.map((entry) =>
  'mtime' in entry && entry.mtime === -1.5 ? { ...entry, mtime: 1.5 } : entry,
);

// The double keeps files, whose owners only root can set; a real server has them in its catalogs.
describeWith(['root'], 'publisher/verification/verify-cvmfs', () => {
  let scene: Scene;
  let name: string;
  let target: Target;

  beforeEach(async () => {
    const server = await CvmfsScene.make({ xattrs: true });
    const path = server.fixture.view(NAME);
    scene = await Scene.make({ backend: server.backend({ waitMs: 10_000 }), name: NAME, path });
    name = await scene.publish('lab/tool', await layersOf(OF_NOW, TOP));
    target = new Target(path, name);
  });
  afterEach(async () => await scene.close());

  async function lines(): Promise<string[]> {
    return (await scene.verify([name], { isDeep: true })).flatMap(linesOf);
  }

  it('is sound when it was just published', async () => {
    assert.deepEqual(await lines(), []);
  });

  for (const { what, damage } of DAMAGES.filter((one) => SOME.has(one.what))) {
    it(`is repaired where ${what}`, async () => {
      damage(target);
      const [found] = await scene.verify([name], { isDeep: true });
      assert.ok(found !== undefined && !isSound(found));
      assert.deepEqual(await scene.repair([found]), {});
      assert.deepEqual(await lines(), []);
    });
  }
});
