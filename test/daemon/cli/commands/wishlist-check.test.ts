import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMANDS } from '../../../../daemon/cli/commands.ts';
import { runUnpackd } from '../../../../daemon/cli/run.ts';
import { recipeText } from '../../../support/git/upstream.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { capture } from '../capture.ts';

describe('daemon/cli/commands/wishlist-check', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await temporaryDirectory('wishlist-check');
  });

  async function check(
    configuration: string,
    ...words: readonly string[]
  ): Promise<{ status: number; stdout: string; stderr: string }> {
    const configurationFile = join(folder, 'unpackd.yaml');
    await writeFile(configurationFile, configuration);
    const [stdout, stderr] = [capture(), capture()];
    const machine = { home: folder, superuser: false, workingDirectory: folder, configurationFile };
    const { signal } = new AbortController();
    const io = { version: 'test', environment: {}, stdout, stderr, signal, machine };
    const argv = ['wishlist', 'check', '--offline', '--state', join(folder, 'state'), ...words];
    const status = await runUnpackd(argv, COMMANDS, io);
    return { status, stdout: stdout.text(), stderr: stderr.text() };
  }

  it('checks what is in force of the configured sources where no recipe is named', async () => {
    await writeFile(join(folder, 'good.yaml'), recipeText('quay.io/lab/tool:1'));
    await writeFile(join(folder, 'bad.yaml'), recipeText('quay.io/lab/Tool:1'));
    const sources = ['good', 'bad', 'none'].map((name) => `  - { name: ${name}, file: ${name}.yaml }\n`);
    const { status, stdout, stderr } = await check(`sources:\n${sources.join('')}`);
    assert.equal(status, 2, stderr);
    assert.match(stdout, /bad\.yaml:4/);
    assert.match(stderr, /^error\[recipe-unreadable\] .*none\.yaml/);
    const good = await check(`sources:\n${sources[0]}`);
    assert.deepEqual([good.status, good.stderr], [0, '']);
  });

  it('needs a recipe where there is no source, and for a base', async () => {
    const { status, stderr } = await check('');
    assert.equal(status, 2);
    assert.match(
      stderr,
      /^error\[configuration-invalid\] no recipe is named, and no sources are configured;/,
    );
    const based = await check('sources:\n  - { name: a, file: a.yaml }\n', '--base-file', 'b.yaml');
    assert.equal(based.status, 2);
    assert.match(
      based.stderr,
      /^error\[configuration-invalid\] no recipe is named to compare with the base;/,
    );
  });
});
