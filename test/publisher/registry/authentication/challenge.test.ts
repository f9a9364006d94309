import { strict as assert } from 'node:assert';
import { parseChallenges } from '../../../../publisher/registry/authentication/challenge.ts';

type Expected = readonly (readonly [scheme: string, parameters: Readonly<Record<string, string>>])[];

const CASES: readonly (readonly [field: string, expected: Expected])[] = [
  ['', []],
  ['  , ,', []],
  ['Basic', [['basic', {}]]],
  ['Basic realm="r"', [['basic', { realm: 'r' }]]],
  ['BEARER Realm=r', [['bearer', { realm: 'r' }]]],
  [
    'Bearer realm="https://auth.example/token",service="s",scope="repository:a/b:pull,push"',
    [['bearer', { realm: 'https://auth.example/token', service: 's', scope: 'repository:a/b:pull,push' }]],
  ],
  ['Bearer realm = "r" ,\tservice\t=\ts', [['bearer', { realm: 'r', service: 's' }]]],
  ['Bearer realm="a \\"b\\" \\\\ c, d=e"', [['bearer', { realm: 'a "b" \\ c, d=e' }]]],
  ['Bearer realm=""', [['bearer', { realm: '' }]]],
  [
    'Negotiate, Basic realm="r", Bearer realm="s",scope="t"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'r' }],
      ['bearer', { realm: 's', scope: 't' }],
    ],
  ],
  [
    'Negotiate YWJj==, Basic realm="r"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'r' }],
    ],
  ],
  [
    ', Newauth realm="apps", type=1,  title="Login to \\"apps\\"", Basic realm="simple"',
    [
      ['newauth', { realm: 'apps', type: '1', title: 'Login to "apps"' }],
      ['basic', { realm: 'simple' }],
    ],
  ],
  [
    'Bearer realm=https://auth.example/token,service=s',
    [['bearer', { realm: 'https://auth.example/token', service: 's' }]],
  ],
  ['Bearer scope="a", scope="b"', [['bearer', { scope: 'a' }]]],
  ['Basic realm="r", Bearer realm="never ends', [['basic', { realm: 'r' }]]],
  ['Basic realm="r", "stray" Bearer realm="s"', [['basic', { realm: 'r' }]]],
];

describe('publisher/registry/authentication/challenge', () => {
  for (const [field, expected] of CASES) {
    it(`reads ${JSON.stringify(field)}`, () => {
      const read = parseChallenges(field).map(({ scheme, parameters }) => [
        scheme,
        Object.fromEntries(parameters),
      ]);
      assert.deepEqual(read, expected);
    });
  }

  it('takes no more than linear time', () => {
    assert.equal(parseChallenges(`Bearer ${'a'.repeat(200_000)}`).length, 1);
    assert.equal(parseChallenges(`Bearer realm="${'\\"'.repeat(200_000)}`).length, 0);
    assert.equal(parseChallenges('a, '.repeat(100_000)).length, 100_000);
  });
});
