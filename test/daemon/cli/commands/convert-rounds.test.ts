import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { convertOnce } from '../../../../daemon/cli/commands/convert.ts';
import { withPublishing } from '../../../../daemon/cycle/publishing.ts';
import { runUnpackd } from '../../../../daemon/cli/run.ts';
import { recipeText } from '../../../support/git/upstream.ts';
import { TestRegistry } from '../../../support/e2e/registry.ts';
import { image } from '../../../support/images/image.ts';
import { file } from '../../../support/images/layer-entry.ts';
import { layer } from '../../../support/images/layer.ts';
import { PATIENCE_MS } from '../../../support/patience.ts';
import { FaultServer } from '../../../support/registry/fault-server.ts';
import { buildImage, plainLayer } from '../../../support/registry/image.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import type { Context } from '../../../../daemon/output/context.ts';
import { capture } from '../capture.ts';
import { commandNamed } from '../command-named.ts';

describe('daemon/cli/commands/convert-rounds', () => {
  it('publishes the images of others meanwhile, and then its own, in one report', async () => {
    const [good, slow] = [await TestRegistry.start(), await FaultServer.start()];
    const { bytes } = await layer([file('slow', 'x')], { compression: 'plain' });
    slow.addImage('lab/slow', '1', buildImage({ layers: [plainLayer(bytes)] }));
    slow.tagPages.set('lab/slow', [['1']]);
    let list: () => void = () => undefined;
    slow.fail(/tags/, (response, content) => {
      list = () => void response.writeHead(200).end(content?.bytes);
    });
    good.add('lab/tool', '1', image({ layers: [await layer([file('good', 'x')])] }));
    const folder = await temporaryDirectory('rounds');
    const recipe = join(folder, 'recipe.yaml');
    await writeFile(
      recipe,
      recipeText(
        `http://${slow.host}/lab/slow:*`,
        `http://${good.host}/lab/tool:*`,
        `http://${good.host}/lab/none:1`,
      ),
    );
    const command = {
      ...commandNamed('convert'),
      run: async (context: Context) =>
        await withPublishing(context, true, async (parts) => await convertOnce(context, parts, 20)),
    };
    const [stdout, stderr] = [capture(), capture()];
    const words = ['convert', recipe, '--backend', 'directory', '--batch-age', '0s'];
    const places = [
      '--root',
      join(folder, 'root'),
      '--state',
      join(folder, 'state'),
      '--json',
      '--progress',
      'none',
    ];
    const machine = {
      home: folder,
      superuser: false,
      workingDirectory: folder,
      configurationFile: join(folder, 'none'),
    };
    const { signal } = new AbortController();
    const surroundings = { version: 'test', environment: {}, stdout, stderr, signal, machine };
    try {
      const running = runUnpackd([...words, ...places], [command], surroundings);
      const published = join(folder, 'root/images.unpackd.test');
      const deadline = performance.now() + PATIENCE_MS;
      while (!existsSync(join(published, good.host, 'lab/tool:1'))) {
        assert.ok(performance.now() < deadline, stderr.text());
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.ok(!existsSync(join(published, slow.host)));
      list();
      assert.equal(await running, 1);
      assert.ok(existsSync(join(published, slow.host, 'lab/slow:1')), stderr.text());
      const report = JSON.parse(stdout.text()) as { images: { image: string; outcome: string }[] };
      assert.deepEqual(
        report.images.map((one) => `${one.image} ${one.outcome}`).toSorted(),
        [
          `${good.host}/lab/none:1 failed`,
          `${good.host}/lab/tool:1 published`,
          `${slow.host}/lab/slow:1 published`,
        ].toSorted(),
      );
      assert.ok(!stderr.text().includes('still being read'), stderr.text());
    } finally {
      await good.close();
      await slow.close();
    }
  });
});
