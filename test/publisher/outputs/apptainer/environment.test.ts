import assert from 'node:assert/strict';
import { describeInShells, HOSTILE, variables } from './shells.ts';
import { writeRelocatedFiles } from './startup-root.ts';

type Variables = Record<string, string | undefined>;

/** ROOT stands for the root of the test. */
const CASES: readonly [what: string, image: string[], user: Record<string, string>, expected: Variables][] = [
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

describeInShells('the environment', (shell) => {
  it('has every value exactly as in the image', async () => {
    const env = await environment(HOSTILE.map((value, index) => `V${index}=${value}`));
    assert.deepEqual(
      HOSTILE.map((_, index) => env.get(`V${index}`)),
      HOSTILE,
    );
  });

  for (const [what, image, user, expected] of CASES) {
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
