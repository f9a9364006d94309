import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StartupConfig } from '../../../../publisher/outputs/apptainer/startup-entry.ts';
import { findProgram } from '../../../support/programs.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { variables, words } from './shells.ts';
import { writeStartupFiles } from './startup-root.ts';

const isThere = ['apptainer', 'busybox'].every((program) => findProgram(program) !== undefined);

(isThere ? describe : describe.skip)(
  'start-up files under a real apptainer (skipped where it or busybox is missing, even in CI)',
  () => {
    const PRINT = ['/bin/busybox', 'printf', String.raw`%s\0`];

    it('run is the entry point with CMD, or with the arguments', async () => {
      const image = await tree({ entrypoint: [...PRINT, 'e  1'], cmd: ['c $HOME', '*'] });
      assert.deepEqual(words(apptainer('run', image)), ['e  1', 'c $HOME', '*']);
      assert.deepEqual(words(apptainer('run', image, '$HOME', '`id`')), ['e  1', '$HOME', '`id`']);
    });

    it('run needs no shell in the image', async () => {
      const image = await tree({ entrypoint: [...PRINT, 'no shell'] }, { shell: false });
      assert.deepEqual(words(apptainer('run', image)), ['no shell']);
    });

    it('exec has the environment of the image, and the user wins', async () => {
      const image = await tree({ env: ['PATH=/image:/bin', 'A=image', 'B=image', 'C=c', 'UID=5'] });
      const env = variables(apptainer('exec', '--env', 'A=user', image, 'busybox', 'env', '-0'));
      assert.equal(env.get('A'), 'user');
      assert.equal(env.get('B'), 'image');
      assert.match(env.get('PATH') ?? '', /^\/image:\/bin:/);
      assert.equal(env.get('LD_LIBRARY_PATH'), '/.singularity.d/libs');
      const path = variables(
        apptainer('exec', '--env', 'PATH=/user:/bin', image, 'busybox', 'env', '-0'),
      ).get('PATH');
      assert.equal(path, '/user:/bin');
    });

    it('hostile values arrive as they are', async () => {
      const seed = randomInt(2 ** 32 - 1);
      const values = hostileWords(seed, 300);
      const image = await tree({
        env: values.map((value, index) => `V_${index}=${value}`),
        entrypoint: [...PRINT, ...values],
      });
      const env = variables(apptainer('exec', image, 'busybox', 'env', '-0'));
      const seen = values.map((_, index) => env.get(`V_${index}`));
      assert.deepEqual(seen, values, `seed ${seed}`);
      assert.deepEqual(words(apptainer('run', image)), values, `seed ${seed}`);
    });

    it('shell reads commands', async () => {
      const image = await tree({ env: ['A=image'] });
      assert.equal(spawn(['shell', image], 'echo "$A in $SHELL"\n').stdout, 'image in /bin/sh\n');
    });

    it('test succeeds without a test, and has the exit status of one', async () => {
      const image = await tree({});
      assert.equal(apptainer('test', image), '');
      await writeFile(join(image, '.singularity.d/test'), '#!/bin/sh\nexit 3\n', { mode: 0o755 });
      assert.equal(spawn(['test', image]).status, 3);
    });

    it('inspect shows labels and runscript', async () => {
      const image = await tree({ labels: { b: '2', a: '"1"' }, cmd: ['/bin/sh'] });
      assert.equal(apptainer('inspect', '--labels', image), 'a: "1"\nb: 2\n');
      assert.match(apptainer('inspect', '--runscript', image), /^#!\/bin\/sh\n/);
    });
  },
);

async function tree(
  config: Partial<StartupConfig>,
  options: { shell: boolean } = { shell: true },
): Promise<string> {
  const root = await temporaryDirectory('apptainer');
  await mkdir(join(root, 'bin'));
  await copyFile(findProgram('busybox') ?? '', join(root, 'bin/busybox'));
  if (options.shell) await symlink('busybox', join(root, 'bin/sh'));
  await writeStartupFiles(root, config);
  return root;
}

function apptainer(...args: string[]): string {
  const { status, stdout, stderr } = spawn(args);
  assert.equal(status, 0, stderr);
  return stdout;
}

function spawn(args: string[], input = ''): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('apptainer', ['--silent', ...args], { encoding: 'utf8', input, cwd: '/' });
}

const PIECES = [
  ...'\'"$`\\\n\r \t=~*?[]{}()&|;<>#!%-aé\u0001\u001b\u007f\u0080\u0081\u009b\u2028\ufeff\ufffd'.split(''),
  '😀',
  '\r\n',
  '\\\n',
  String.raw`'\''`,
  '$(',
  '${x',
  '<<E',
];

function hostileWords(seed: number, count: number): string[] {
  const random = randomNumbers(seed);
  const word = (): string =>
    Array.from({ length: random(12) }, () => PIECES[random(PIECES.length)] ?? '').join('');
  return Array.from({ length: count }, word);
}

/** Numbers below a limit, the same ones for the same seed (a linear congruential generator). */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
