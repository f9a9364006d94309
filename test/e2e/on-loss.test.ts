import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { layerRoot } from '../../publisher/image/layout.ts';
import { createCvmfsFixture } from '../support/cvmfs-server/fixture.ts';
import { listAttributes, storesAttributes } from '../support/cvmfs-server/system.ts';
import { CAPABILITY } from '../support/e2e/images.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { REPOSITORY, Site } from '../support/e2e/site.ts';
import { image, type Image } from '../support/images/image.ts';
import { directory, file, opaque } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { describeWith, skip } from '../support/programs.ts';

describeWith(['root'], 'e2e/on-loss', () => {
  let registry: TestRegistry;
  let site: Site;
  let capable: Image;
  let wishes: string[];

  before(async () => {
    registry = await TestRegistry.start();
    capable = image({
      layers: [
        await layer([
          directory('d'),
          file('d/a', 'x'),
          file('ping', 'x', { mode: 0o755, xattrs: { 'security.capability': CAPABILITY } }),
          file('large', 'x', { xattrs: { 'user.large': 'x'.repeat(300) } }),
        ]),
        await layer([directory('d'), opaque('d')]),
      ],
    });
    wishes = [
      registry.add('lab/capable', '1', capable),
      registry.add('lab/plain', '1', image({ layers: [await layer([file('f', 'x')])] })),
    ];
  });
  after(async () => {
    await registry.close();
  });
  beforeEach(async function () {
    site = await Site.make('cvmfs');
  });
  afterEach(async () => {
    await site.close();
  });

  const warnings = (stderr: string): string[] =>
    stderr.split('\n').filter((line) => line.startsWith(`warning: ${registry.host}/lab/capable:1: `));

  /** Options for a repository of the same name in which extended attributes are off. */
  async function withoutXattrs(): Promise<{ words: string[]; view: string; close: () => Promise<void> }> {
    const fixture = await createCvmfsFixture();
    await fixture.repository(REPOSITORY);
    const { root, spool, top, command } = fixture;
    const words = ['--root', root, '--cvmfs-spool', spool, '--cvmfs-configuration', `${top}/etc`];
    return {
      words: [...words, '--cvmfs-server', command],
      view: fixture.view(REPOSITORY),
      close: async () => await fixture.close(),
    };
  }

  it('is a warning with image, paths and reason, and the image is published', async () => {
    const { words, view, close } = await withoutXattrs();
    const { status, stderr } = await site.convert(wishes, words);
    assert.equal(status, 0, stderr);
    const [line = '', ...others] = warnings(stderr);
    assert.deepEqual(others, []);
    assert.match(line, /extended attributes of 3 paths are lost: .*CVMFS_INCLUDE_XATTRS=true/);
    for (const path of ['ping: security.capability', 'large: user.large', 'd: opaque in .layers'])
      assert.ok(line.includes(path), line);
    assert.ok(existsSync(`${view}/${registry.host}/lab/capable:1/ping`));
    await close();
  });

  it('is a failure of that image alone where that is the policy', async () => {
    const { words, view, close } = await withoutXattrs();
    const { status, stderr } = await site.convert(wishes, [...words, '--on-loss', 'refuse']);
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^error\[image-incomplete\] \S+\/lab\/capable:1: extended attributes of 3 paths/m);
    assert.ok(existsSync(`${view}/${registry.host}/lab/plain:1/f`));
    assert.ok(!existsSync(`${view}/${registry.host}/lab/capable:1`));
    await close();
  });

  it('are only long values where attributes are published', async function () {
    if (!storesAttributes(Buffer.from(site.root))) skip(this, 'on a file system without attributes');
    const { status, stderr } = await site.convert(wishes);
    assert.equal(status, 0, stderr);
    const [line = '', ...others] = warnings(stderr);
    assert.deepEqual(others, []);
    assert.match(
      line,
      /extended attributes of 1 path are lost: .* up to 255 bytes.* \(large: user\.large\)$/,
    );
    const [lower, upper] = capable.layers;
    assert.ok(lower !== undefined && upper !== undefined);
    const attributesOf = (path: string): string[] => listAttributes(Buffer.from(site.path(path))).sort();
    assert.deepEqual(attributesOf(`${layerRoot(lower.digest)}/ping`), ['security.capability']);
    assert.deepEqual(attributesOf(`${layerRoot(lower.digest)}/large`), []);
    assert.deepEqual(attributesOf(`${layerRoot(upper.digest)}/d`), [
      'trusted.overlay.opaque',
      'user.overlay.opaque',
    ]);
  });
});
