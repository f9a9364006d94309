import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { addUpdate, APP, buildDemoImages, TOOLS } from '../../../examples/demo/images.ts';
import type { ImageStore } from '../../support/images/store.ts';
import { findProgram, needs, needsRoot } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const CONFIG = z.object({ config: z.object({ Entrypoint: z.array(z.string()) }) });

describe('examples/demo/images', () => {
  let store: ImageStore;

  before(async () => {
    store = await buildDemoImages(await temporaryDirectory('demo'));
  });

  it('share their lowest layer', () => {
    const [app, tools] = [store.image(APP, '1.0'), store.image(TOOLS, '1')];
    assert.equal(app?.layers[0]?.digest, tools?.layers[0]?.digest);
    assert.notEqual(app?.layers[1]?.digest, tools?.layers[1]?.digest);
  });

  it('are updated by one layer more, under the same name', async () => {
    await addUpdate(store);
    const [before, after] = [store.image(APP, '1.0'), store.image(APP, '1.1')];
    assert.deepEqual(digests(after?.layers).slice(0, 2), digests(before?.layers));
    assert.equal(after?.layers.length, 3);
    assert.equal(store.manifest(APP, 'latest')?.digest, after?.manifest.digest);
  });

  it('run by themselves', async function () {
    needsRoot(this);
    needs(this, 'tar', 'chroot');
    const root = await unpacked(store, APP, '1.0');
    assert.equal(runIn(root, entrypointOf(store, APP, '1.0')), `Hello from ${process.version}\n`);
    const tools = await unpacked(store, TOOLS, '1');
    assert.match(
      runIn(tools, [...entrypointOf(store, TOOLS, '1'), '/etc/group']),
      /^[0-9a-f]{64} \/etc\/group\n$/,
    );
  });
});

function digests(layers: readonly { digest: string }[] = []): string[] {
  return layers.map(({ digest }) => digest);
}

/** What tar makes of the layers; none of these has anything that needs more. */
async function unpacked(store: ImageStore, repository: string, tag: string): Promise<string> {
  const root = await temporaryDirectory('root');
  for (const layer of store.image(repository, tag)?.layers ?? []) {
    const path = 'file' in layer ? layer.file : join(await temporaryDirectory('layer'), 'layer');
    if ('bytes' in layer) await writeFile(path, layer.bytes);
    execFileSync('tar', ['-xzf', path, '-C', root]);
  }
  await mkdir(join(root, 'proc'), { recursive: true });
  return root;
}

function entrypointOf(store: ImageStore, repository: string, tag: string): string[] {
  const config = store.image(repository, tag)?.blobs[0];
  assert.ok(config !== undefined && 'bytes' in config);
  return CONFIG.parse(JSON.parse(config.bytes.toString())).config.Entrypoint;
}

function runIn(root: string, command: string[]): string {
  const { status, stdout, stderr } = spawnSync(findProgram('chroot') ?? '', [root, ...command], {
    encoding: 'utf8',
    env: {},
  });
  assert.equal(status, 0, stderr);
  return stdout;
}
