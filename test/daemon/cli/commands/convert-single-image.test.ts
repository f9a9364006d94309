import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMANDS } from '../../../../daemon/cli/commands.ts';
import { runUnpackd } from '../../../../daemon/cli/run.ts';
import { recipeText } from '../../../support/git/upstream.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { capture } from '../capture.ts';

async function run(...words: readonly string[]): Promise<{ status: number; stderr: string }> {
  const folder = await temporaryDirectory('single-image');
  await writeFile(join(folder, 'empty.yaml'), recipeText());
  const [stdout, stderr] = [capture(), capture()];
  const machine = {
    home: folder,
    superuser: false,
    workingDirectory: folder,
    configurationFile: join(folder, 'none'),
  };
  const { signal } = new AbortController();
  const io = { version: 'test', environment: {}, stdout, stderr, signal, machine };
  const argv = words.map((word) => word.replace('FOLDER', folder));
  return { status: await runUnpackd(argv, COMMANDS, io), stderr: stderr.text() };
}

describe('daemon/cli/commands/convert-single-image', () => {
  it('says that image and repository are in each other’s place', async () => {
    const { status, stderr } = await run('convert-single-image', 'images.local', 'quay.io/lab/tool:1');
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^error\[reference-invalid\] "images\.local" is the name of a repository, .*; name the image first/,
    );
  });

  it('has a hint for docker:// in front of an image', async () => {
    const { stderr } = await run('convert-single-image', 'docker://quay.io/lab/tool:1', 'images.local');
    assert.match(stderr, /^error\[reference-invalid\] .*; leave out docker:\/\/\n$/);
  });

  it('warns that flags leave nothing of an image but its manifest', async () => {
    const places = ['--root', 'FOLDER/root', '--state', 'FOLDER/state', '--backend', 'directory'];
    const { status, stderr } = await run('convert', 'FOLDER/empty.yaml', '-s', '-d', '-p', ...places);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^warning: skip-flat and skip-layers together /);
  });
});
