import assert from 'node:assert/strict';
import { isFailure } from '../../../core/failure.ts';
import { isRange, parseVersion, rangeMatcher } from '../../../wishlist/tags/version.ts';

const VERSIONS: [tag: string, version: string][] = [
  ['1.7.0', '1.7.0'],
  ['1.7', '1.7.0'],
  ['7', '7.0.0'],
  ['v1.7.1', '1.7.1'],
  ['V1', '1.0.0'],
  ['21.2.10', '21.2.10'],
  ['2023.08.01', '2023.8.1'],
  ['20230801', '20230801.0.0'],
  ['000.00.0', '0.0.0'],
  ['1.2.3-rc.1', '1.2.3-rc.1'],
  ['24.11-py3', '24.11.0-py3'],
  ['3-alpine', '3.0.0-alpine'],
  ['1.7.1--py39_0', '1.7.1--py39-0'],
  ['1.2.3_amd64', '1.2.3-amd64'],
  ['1.2-007', '1.2.0-7'],
  ['1.2-rc.007', '1.2.0-rc.7'],
  ['2023-08-01', '2023.0.0-08-01'],
];

const OTHERS: string[] = [
  '',
  'v',
  'latest',
  'jammy-22.04',
  '1.2.3.4',
  '1.',
  '.1',
  '1..2',
  '1.2rc1',
  '3f2a91b',
  'vv1',
  'v-1',
  '1.x',
  '1.2-',
  '1.2-a..b',
  '1.2-a.',
  '1.2+b',
  ' 1.2',
  '1.2\n',
  '>=1.2',
  '١.٢',
  '99999999999999999999',
  '1.2.9007199254740993',
  '1.2.3-a b',
];

describe('wishlist/tags/version', () => {
  for (const [tag, version] of VERSIONS) {
    it(`reads ${tag} as ${version}`, () => assert.equal(parseVersion(tag)?.version, version));
  }

  for (const tag of OTHERS) {
    it(`takes ${JSON.stringify(tag)} for no version`, () => assert.equal(parseVersion(tag), undefined));
  }

  it('says the same whatever else it has read', () => {
    for (let patch = 0; patch < 50_000; patch += 1) {
      assert.equal(parseVersion(`1.0.${patch}`)?.patch, patch);
      assert.equal(parseVersion(`x${patch}`), undefined);
    }
    for (const [tag, version] of VERSIONS) assert.equal(parseVersion(tag)?.version, version);
    for (const tag of OTHERS) assert.equal(parseVersion(tag), undefined);
  });
});

const RANGES: [range: string, within: string[], without: string[]][] = [
  [
    '>=21.2 <22',
    ['21.2', '21.2.0', 'v21.10', '21.99.1'],
    ['21.1.9', '22', '22.0.0', '22.0.0-rc1', '21.3-py3'],
  ],
  ['>= 21.2  < 22', ['21.2', '21.9'], ['21.1', '22']],
  ['>=21.2\t<22\n', ['21.2'], ['22']],
  ['^1.2', ['1.2', '1.2.3', '1.99'], ['1.1.9', '2', '1.3-rc1', 'latest', '1.2.3.4', '1.2rc1']],
  ['^0.2.3', ['0.2.3', '0.2.9'], ['0.3', '0.2.2']],
  ['~1.4.0', ['1.4', '1.4.9', 'v1.4.2'], ['1.5', '1.3.9', '1.40.0']],
  ['~>1.4', ['1.4', '1.4.9'], ['1.5']],
  ['1.x || >=2.5.0', ['1', '1.9', '2.5', '3'], ['2', '2.4.9', '0.9']],
  ['1.*||3.X', ['1.5', '3.0'], ['2.0']],
  ['21.2 - 21.4', ['21.2', '21.3.5', '21.4.9'], ['21.1', '21.5', '21.5.0-rc1']],
  ['v1.0 - v1.2 || 3', ['1', '1.2.9', '3.5'], ['1.3', '2', '4']],
  ['=21.2', ['21.2', 'v21.2.10'], ['21.3', '21.1', '21.2-py3']],
  ['=21.2.1', ['21.2.1', 'v21.02.01'], ['21.2', '21.2.10']],
  ['>21', ['22', '22.1'], ['21', '21.9']],
  ['<=21.4', ['21.4.9', '3'], ['21.5']],
  ['>=2023.08.01 <2024', ['2023.08.01', '2023.12.31', '2023.8.1'], ['2023.07.31', '2024.01.01']],
  ['>=20230801', ['20230801', '20240101'], ['20230731']],
  ['>=24.11-py3 <25', ['24.11-py3', '24.11', '24.12'], ['24.11-py2', '24.12-py3', '25']],
  ['>=1.2.3_rc.01', ['1.2.3-rc.1', '1.2.3-rc.2', '1.2.3'], ['1.2.3-rc.0', '1.2.4-rc.1']],
  ['>=V1 <v2', ['1.5', 'v1.9'], ['2']],
  ['>1.2.3 <1.2.5', ['1.2.4'], ['1.2.3', '1.2.5']],
];

const NO_RANGES: string[] = [
  '',
  ' ',
  '>',
  '>=',
  '^',
  '~',
  '=',
  '||',
  '1.x ||',
  '|| 1.x',
  '1 || || 2',
  '1 ||| 2',
  '>=x',
  '1.x || *',
  '>=latest',
  '>=1,<2',
  '>=1.2.3.4',
  '>=1.2rc1',
  '==1.2',
  '!=1.2',
  '=>1',
  '>= >1',
  '>=1.2.3+b',
  '>=1.2 foo',
  '1.2 || foo',
  'foo bar',
  'a b',
  '1.* *-rc',
  '>=-1',
  '21.2 -21.4',
  '21.2 -',
  '- 21.2',
  '1 - 2 - 3',
  '>=1 - 2',
  '1 - <2',
  '>=1.2-a..b',
  '>=1.x-rc1',
  '>=99999999999999999999',
  '>22 <21',
  '1.2 1.3',
  '1.x || >3 <2',
  '<0',
  `>=1${' '.repeat(1000)}`,
  '>=1 '.repeat(10_000),
  `>=${'1'.repeat(900)}`,
  `>=1.2.3-${'a-'.repeat(400)}+`,
];

describe('wishlist/tags/version: isRange', () => {
  const cases: [text: string, is: boolean][] = [
    ['>=1', true],
    ['<2', true],
    ['=1', true],
    ['^1', true],
    ['~1', true],
    ['1 2', true],
    ['1 - 2', true],
    ['1.x||2.x', true],
    ['1', false],
    ['1.x', false],
    ['1.*', false],
    ['1-2', false],
    ['[a-z]', false],
    ['{a,b}', false],
    ['a|b', false],
    ['', false],
  ];
  for (const [text, is] of cases) {
    it(`is ${is} for ${JSON.stringify(text)}`, () => assert.equal(isRange(text), is));
  }
});

describe('wishlist/tags/version: rangeMatcher', () => {
  for (const [range, within, without] of RANGES) {
    it(`${JSON.stringify(range)} has ${within.join(', ')} and not ${without.join(', ')}`, () => {
      assert.deepEqual([...without, ...within].filter(rangeMatcher(range)), within);
    });
  }

  for (const range of NO_RANGES) {
    it(`refuses ${JSON.stringify(range).slice(0, 60)}`, () => {
      assert.throws(
        () => rangeMatcher(range),
        (error) => isFailure(error, 'pattern-invalid') && error.hint !== undefined,
      );
    });
  }
});
