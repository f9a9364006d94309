import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeInShells } from './shells.ts';
import { writeRelocatedFiles } from './startup-root.ts';

const ECHO = ['/bin/sh', '-c', 'echo "$GREETING" "$@"', 'x'];

describeInShells('the actions', (shell) => {
  beforeEach(async () => {
    await writeRelocatedFiles(shell.root, { env: ['GREETING=hello  world'], entrypoint: ECHO });
  });

  it('exec runs its arguments with the environment', () => {
    assert.equal(shell.output('.exec', [...ECHO, 'a  b']), 'hello  world a  b\n');
  });

  it('run runs the runscript with the environment', () => {
    assert.equal(shell.output('.run', ['a  b']), 'hello  world a  b\n');
  });

  it('shell starts a shell', () => {
    assert.equal(shell.output('.shell', ['-c', 'echo "$GREETING"']), 'hello  world\n');
  });

  for (const variable of ['APPTAINER_SHELL', 'SINGULARITY_SHELL']) {
    it(`shell starts the one in ${variable}`, async () => {
      const mine = join(shell.root, 'my shell');
      await writeFile(mine, '#!/bin/sh\necho "$GREETING" "$SHELL" "$@"\n', { mode: 0o755 });
      assert.equal(shell.output('.shell', ['a'], { env: { [variable]: mine } }), `hello  world ${mine} a\n`);
    });
  }

  it('shell starts another where the one asked for is missing', () => {
    const env = { APPTAINER_SHELL: join(shell.root, 'missing') };
    assert.equal(shell.output('.shell', ['-c', 'echo "$GREETING"'], { env }), 'hello  world\n');
  });

  it('start runs the startscript, which starts nothing', () => {
    assert.equal(shell.output('.singularity.d/actions/start', []), '');
  });

  it('test succeeds where the image has no test', () => {
    assert.equal(shell.output('.test', []), '');
  });

  it("test is the image's test, with its exit status", async () => {
    const test = '#!/bin/sh\necho "$GREETING" "$@"\nexit 3\n';
    await writeFile(join(shell.root, '.singularity.d/test'), test, { mode: 0o755 });
    const { status, stdout } = shell.result('.test', ['a']);
    assert.deepEqual({ status, stdout }, { status: 3, stdout: 'hello  world a\n' });
  });
});
