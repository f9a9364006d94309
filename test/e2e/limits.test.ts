import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { TestRegistry } from '../support/e2e/registry.ts';
import { Site } from '../support/e2e/site.ts';
import { image } from '../support/images/image.ts';
import { directory, file, hardLink, symlink, type LayerEntry } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { sparseInRecords } from '../support/images/sparse.ts';

/** `count` files from the number `from` on, so that no two layers are one. */
function files(from: number, count: number): LayerEntry[] {
  return Array.from({ length: count }, (_, index) => file(`f${from + index}`, 'x'));
}

function folders(from: number, count: number): LayerEntry[] {
  return Array.from({ length: count }, (_, index) => directory(`d${from + index}`));
}

const SPARSE: LayerEntry = {
  type: 'raw',
  bytes: sparseInRecords('sparse', [[0, Buffer.from('x')]], 3_000_000),
};

const OPTIONS: Readonly<Record<string, string>> = {
  'layer-entry-limit': '5',
  'layer-header-limit': '2KiB',
  'layer-names-limit': '3KiB',
  'layer-size-limit': '1MiB',
  'image-entry-limit': '12',
  'image-layer-limit': '3',
  'image-size-limit': '5000',
  'image-unpacked-limit': '10000',
  'image-name-limit': '85',
  'image-inode-limit': '60',
  'image-step-limit': '1000',
};

describe('e2e/limits', () => {
  let registry: TestRegistry;
  let site: Site;
  before(async () => {
    registry = await TestRegistry.start();
    site = await Site.make('directory');
  });
  after(async () => {
    await registry.close();
    await site.close();
  });

  it('refuses images over them with the option that allows more, and publishes the others', async () => {
    const layers: Readonly<Record<string, readonly (readonly LayerEntry[])[]>> = {
      good: [files(0, 5), files(10, 3)],
      'layer-entry-limit': [files(20, 6)],
      'layer-header-limit': [[file('f', '', { pax: { comment: 'c'.repeat(3000) } })]],
      'layer-names-limit': [
        ['a', 'b', 'c'].map((name) => file(`${name}/${'nnnnnnn/'.repeat(200)}`.slice(0, 1100), '')),
      ],
      'layer-size-limit': [[SPARSE]],
      'image-entry-limit': [files(30, 5), files(40, 5), files(50, 3)],
      'image-layer-limit': [files(60, 1), files(61, 1), files(62, 1), files(63, 1)],
      'image-size-limit': [[file('f', randomBytes(5000))]],
      'image-unpacked-limit': [[file('f', 'x'.repeat(10_000))]],
      // Chains have the names of lower layers again.
      'image-name-limit': [files(80, 5), files(90, 4), files(94, 3)],
      'image-inode-limit': [folders(100, 5), folders(110, 4)],
      'image-step-limit': [
        [
          directory('d'),
          symlink('s', 'd/../'.repeat(300)),
          ...files(70, 1),
          hardLink('h1', 's/f70'),
          hardLink('h2', 's/f70'),
        ],
      ],
    };
    const wishes: Record<string, string> = {};
    for (const [name, stack] of Object.entries(layers)) {
      const made = await Promise.all(stack.map(async (entries) => await layer(entries)));
      wishes[name] = registry.add('lab/limits', name, image({ layers: made }));
    }
    const limits = Object.entries(OPTIONS).flatMap(([option, value]) => [`--${option}`, value]);
    const { status, stderr } = await site.convert(Object.values(wishes), [...limits, '--chains']);
    assert.equal(status, 1, stderr);
    for (const option of Object.keys(OPTIONS)) {
      const line = stderr
        .split('\n')
        .find((text) =>
          text.startsWith(
            `error[${option.startsWith('layer') ? 'layer-refused' : 'image-too-large'}] ${registry.host}/lab/limits:${option}: `,
          ),
        );
      assert.ok(line?.endsWith(`--${option}`), stderr);
      assert.equal(existsSync(site.path(`${registry.host}/lab/limits:${option}`)), false);
    }
    assert.equal(readFileSync(site.path(`${registry.host}/lab/limits:good/f12`), 'utf8'), 'x');
  });

  it('publishes them once they are allowed', async () => {
    const wish = registry.add(
      'lab/limits',
      'sparse',
      image({ layers: [await layer([SPARSE, ...files(50, 6)])] }),
    );
    const { status, stderr } = await site.convert([wish], ['--layer-size-limit', '4MiB']);
    assert.equal(status, 0, stderr);
    const content = readFileSync(site.path(`${registry.host}/lab/limits:sparse/sparse`));
    assert.ok(content.equals(Buffer.concat([Buffer.from('x'), Buffer.alloc(2_999_999)])));
  });
});
