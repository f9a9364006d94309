import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StartupConfig } from '../../../../publisher/outputs/apptainer/startup-entry.ts';
import { describeInShells, HOSTILE, PRINT, words, variables } from './shells.ts';
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

describeInShells('publisher/outputs/apptainer/scripts: the runscript', (shell) => {
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

const ECHO = ['/bin/sh', '-c', 'echo "$GREETING" "$@"', 'x'];

describeInShells('publisher/outputs/apptainer/scripts: the actions', (shell) => {
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

type Variables = Record<string, string | undefined>;

/** ROOT stands for the root of the test. */
const ENVIRONMENTS: readonly [
  what: string,
  image: string[],
  user: Record<string, string>,
  expected: Variables,
][] = [
  ['values with =', ['A=b=c='], {}, { A: 'b=c=' }],
  ['empty values', ['A='], {}, { A: '' }],
  ['the last of several', ['A=1', 'A=2'], {}, { A: '2' }],
  ['the user wins', ['A=image', 'B=image'], { A: 'user' }, { A: 'user', B: 'image' }],
  ['the user wins with nothing', ['A=image'], { A: '' }, { A: '' }],
  [
    'the image wins with PATH',
    ['PATH=/usr/bin:/image'],
    { PATH: '/usr/bin:/host' },
    { PATH: '/usr/bin:/image' },
  ],
  [
    'a PATH that the user asked for',
    ['PATH=/image'],
    { SING_USER_DEFINED_PATH: '/usr/bin' },
    { PATH: '/usr/bin' },
  ],
  [
    'directories around PATH',
    ['PATH=/usr/bin:/bin'],
    { SING_USER_DEFINED_PREPEND_PATH: '/first', SING_USER_DEFINED_APPEND_PATH: '/last' },
    { PATH: '/first:/usr/bin:/bin:/last', SING_USER_DEFINED_PREPEND_PATH: undefined },
  ],
  [
    'libraries of the host come last',
    ['LD_LIBRARY_PATH=/image'],
    {},
    { LD_LIBRARY_PATH: '/image:ROOT/.singularity.d/libs' },
  ],
  ['libraries of the host alone', [], {}, { LD_LIBRARY_PATH: 'ROOT/.singularity.d/libs' }],
  [
    'names that no shell can hold are left out',
    ['a-b=1', '1a=1', '=1', 'é=1', 'a b=1', 'x;touch pwned=1', '$(touch pwned)=1', 'a\n=1', 'NONE', 'OK=1'],
    {},
    { OK: '1', 'a-b': undefined, '1a': undefined, é: undefined, 'a b': undefined, NONE: undefined },
  ],
  ['values that no program can hold are left out', ['A=a\0b', 'OK=1'], {}, { A: undefined, OK: '1' }],
  [
    'names that a shell holds itself do not stop it',
    ['UID=5', 'EUID=5', 'PPID=5', 'IFS=:', 'OPTIND=x', 'SHELLOPTS=x', 'OK=1'],
    {},
    { OK: '1' },
  ],
  ['names of objects', ['__proto__=1', 'constructor=2'], {}, { constructor: '2' }],
];

describeInShells('publisher/outputs/apptainer/scripts: the environment', (shell) => {
  it('has every value exactly as in the image', async () => {
    const env = await environment(HOSTILE.map((value, index) => `V${index}=${value}`));
    assert.deepEqual(
      HOSTILE.map((_, index) => env.get(`V${index}`)),
      HOSTILE,
    );
  });

  for (const [what, image, user, expected] of ENVIRONMENTS) {
    it(what, async () => {
      const env = await environment(image, user);
      for (const [name, value] of Object.entries(expected)) {
        assert.equal(env.get(name), value?.replace('ROOT', shell.root), name);
      }
    });
  }

  async function environment(
    image: string[],
    user: Record<string, string> = {},
  ): Promise<Map<string, string>> {
    await writeRelocatedFiles(shell.root, { env: image });
    return variables(shell.output('.exec', ['/usr/bin/env', '-0'], { env: user }));
  }
});
