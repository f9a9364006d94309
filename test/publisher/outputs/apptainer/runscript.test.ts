import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StartupConfig } from '../../../../publisher/outputs/apptainer/startup-entry.ts';
import { describeInShells, HOSTILE, PRINT, words } from './shells.ts';
import { writeRelocatedFiles } from './startup-root.ts';

const RUNSCRIPT = '.singularity.d/runscript';

const CASES: readonly [what: string, config: Partial<StartupConfig>, args: string[], ran: string[]][] = [
  ['entry point and CMD', { entrypoint: [...PRINT, 'e', '1'], cmd: ['c', '2'] }, [], ['e', '1', 'c', '2']],
  ['arguments for CMD', { entrypoint: [...PRINT, 'e'], cmd: ['c'] }, ['a', 'b'], ['e', 'a', 'b']],
  ['entry point alone', { entrypoint: [...PRINT, 'e'] }, [], ['e']],
  ['CMD alone', { cmd: [...PRINT, 'c', '2'] }, [], ['c', '2']],
  ['a command for CMD', { cmd: ['c'] }, [...PRINT, 'a'], ['a']],
  ['a command alone', {}, [...PRINT, 'a', 'b'], ['a', 'b']],
  ['an empty argument counts', { entrypoint: [...PRINT, 'e'], cmd: ['c'] }, [''], ['e', '']],
  ['an empty name is no entry point', { entrypoint: [''], cmd: [...PRINT, 'c'] }, [], ['c']],
  ['an empty list is no entry point', { entrypoint: [], cmd: [...PRINT, 'c'] }, [], ['c']],
  ['an empty CMD is an argument', { entrypoint: [...PRINT, 'e'], cmd: [''] }, [], ['e', '']],
  [
    'an absolute program',
    { entrypoint: ['/bin/sh', '-c', `printf 'e\\0'`], workingDirectory: '/x' },
    [],
    ['e'],
  ],
  ['hostile entry point', { entrypoint: [...PRINT, ...HOSTILE] }, [], HOSTILE],
  ['hostile CMD', { cmd: [...PRINT, ...HOSTILE] }, [], HOSTILE],
  ['hostile arguments', { entrypoint: PRINT }, HOSTILE, HOSTILE],
];

describeInShells('the runscript', (shell) => {
  for (const [what, config, args, ran] of CASES) {
    it(what, async () => {
      await writeRelocatedFiles(shell.root, config);
      assert.deepEqual(words(shell.output(RUNSCRIPT, args)), ran);
    });
  }

  it('is a shell where the image names no program', async () => {
    await writeRelocatedFiles(shell.root, {});
    assert.equal(shell.output(RUNSCRIPT, [], { input: 'echo in a shell\n' }), 'in a shell\n');
  });

  for (const field of ['entrypoint', 'cmd'] as const) {
    it(`finds a relative ${field} in the working directory of the image, and stays where the user is`, async () => {
      const workingDirectory = join(shell.root, 'app');
      await mkdir(join(workingDirectory, 'bin'), { recursive: true });
      await writeFile(join(workingDirectory, 'bin/start'), '#!/bin/sh\necho "$1" in "$PWD"\n', {
        mode: 0o755,
      });
      await writeRelocatedFiles(shell.root, { [field]: ['./bin/start', 'it'], workingDirectory });
      assert.equal(shell.output(RUNSCRIPT, []), `it in ${shell.root}\n`);
    });
  }

  it('refuses a program that nothing can start', async () => {
    await writeRelocatedFiles(shell.root, { entrypoint: ['/bin/echo', 'a\0b'] });
    assert.equal(shell.result(RUNSCRIPT, []).status, 127);
  });
});
