import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { hexOf } from '../../core/oci/digest.ts';
import { smallImage } from '../support/e2e/images.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, Site } from '../support/e2e/site.ts';
import { image } from '../support/images/image.ts';
import { file, type LayerEntry } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { sparseInRecords } from '../support/images/sparse.ts';

const MISTAKES = new URL('../support/e2e/mistakes.js', import.meta.url).href;
const MARK = 'break here';
/** Files of which one is sparse: such a layer is read again when it is published, wherever that is. */
const READ_AGAIN: readonly LayerEntry[] = [
  file('blob', 'blob'),
  { type: 'raw', bytes: sparseInRecords('sparse', [[5, Buffer.from('x')]], 100) },
];

for (const kind of BACKENDS) {
  describe(`e2e/mistakes: unpackd convert, backend ${kind}: mistakes of unpackd in the work on single images`, () => {
    let registry: TestRegistry;
    let site: Site;

    beforeEach(async () => {
      registry = await TestRegistry.start();
      site = await Site.make(kind);
    });
    afterEach(async () => {
      await registry.close();
      await site.close();
    });

    it('fail those images alone, in this run alone', async () => {
      const content = await layer([file('content', 'content')]);
      const wishes = {
        first: registry.add('lab/first', '1', await smallImage('first')),
        config: registry.add(
          'lab/config',
          '1',
          image({ layers: [content], config: { config: { Env: [`NOTE=${MARK}`] } } }),
        ),
        blob: registry.add('lab/blob', '1', image({ layers: [await layer(READ_AGAIN)] })),
        last: registry.add('lab/last', '1', await smallImage('last')),
      };
      const blob = registry.store.image('lab/blob', '1')?.layers[0];
      assert.ok(blob !== undefined);
      const environment = {
        NODE_OPTIONS: `--import=${MISTAKES}`,
        TEST_MISTAKE_IN: MARK,
        TEST_MISTAKE_AT: hexOf(blob.digest),
      };
      const nameOf = (wish: string): string => wish.replace('http://', '');
      const { status, stdout, stderr } = await site.convert(Object.values(wishes), [], { environment });
      assert.equal(status, 1, stderr);
      assert.deepEqual(
        stdout.split('\n').map((line) => line.replace(/^(published +\S+).*/, '$1')),
        [
          `published ${nameOf(wishes.first)}`,
          `failed    ${nameOf(wishes.config)} bug`,
          `failed    ${nameOf(wishes.blob)} bug`,
          `published ${nameOf(wishes.last)}`,
          '',
        ],
      );
      for (const [wish, mistake] of [
        [wishes.config, 'a mistake in a config'],
        [wishes.blob, 'a mistake at a blob'],
      ] as const) {
        assert.match(stderr, new RegExp(`^  TypeError: ${mistake}\n  at `, 'm'));
        assert.ok(stderr.includes(`\nerror[bug] ${nameOf(wish)}: `), stderr);
        assert.equal(existsSync(site.path(nameOf(wish))), false);
      }
      for (const wish of [wishes.first, wishes.last]) assert.ok(existsSync(site.path(nameOf(wish))));
      const again = await site.convert(Object.values(wishes));
      assert.equal(again.status, 0, again.stderr);
    });
  });
}
