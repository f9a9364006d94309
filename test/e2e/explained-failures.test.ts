import assert from 'node:assert/strict';
import { smallImage } from '../support/e2e/images.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { REPOSITORY, Site } from '../support/e2e/site.ts';
import { run } from '../support/e2e/unpackd.ts';

describe('e2e/explained-failures', () => {
  let registry: TestRegistry;
  let site: Site;

  before(async () => {
    registry = await TestRegistry.start();
    site = await Site.make('directory');
    for (const tag of ['1.0', '1.1']) registry.add('lab/tool', tag, await smallImage(tag));
  });
  after(async () => {
    await registry.close();
    await site.close();
  });

  it('is named with its line, and with the one that may be meant', async () => {
    const wishes = ['tool:1.0', 'tool:v1.1', 'tol:1.0'].map((name) => `http://${registry.host}/lab/${name}`);
    const { status, stderr } = await site.convert(wishes);
    assert.equal(status, 1, stderr);
    const errors = stderr.split('\n').filter((line) => line.startsWith('error'));
    const [tag = '', image = ''] = errors.toSorted().toReversed();
    const { host } = registry;
    assert.match(tag, /^error\[tag-unknown\] \S+\/lab\/tool:v1\.1: \S+recipe-\d+\.yaml:5: the image /);
    assert.ok(tag.endsWith(`; did you mean http://${host}/lab/tool:1.1?`), tag);
    assert.match(
      image,
      /^error\[image-unknown\] \S+\/lab\/tol:1\.0: \S+recipe-\d+\.yaml:6: there is no image /,
    );
    assert.ok(image.endsWith(`; did you mean http://${host}/lab/tool:1.0?`), image);
  });

  it('is named with the one that may be meant where it was named by hand', async () => {
    const words = ['convert-single-image', `http://${registry.host}/lab/tool:v1.1`, REPOSITORY];
    const { status, stderr } = await run([...words, ...site.options]);
    assert.equal(status, 1);
    assert.match(stderr, /^error\[tag-unknown\] \S+ the image .*; did you mean http:\S+\/lab\/tool:1\.1\?$/m);
  });
});
