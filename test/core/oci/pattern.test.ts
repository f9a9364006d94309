import assert from 'node:assert/strict';
import { isFailure } from '../../../core/failure.ts';
import { checkGlob, globMatcher, starMatcher } from '../../../core/oci/pattern.ts';

const STARS: [pattern: string, matching: string[], other: string[]][] = [
  ['21.2.1*', ['21.2.1', '21.2.10', '21.2.100', '21.2.1-rc'], ['21x2y100', '21.2.2', '121.2.1']],
  ['*', ['1', 'latest', '.hidden', '*', '!x', '#x'], []],
  ['**', ['1', 'latest', '.hidden'], []],
  ['*-stable', ['1-stable', '-stable', '.1-stable'], ['stable', '1-stable-2']],
  ['v*', ['v', 'v1', 'v1.2'], ['1', 'xv1', 'V1']],
  ['1.*.3', ['1.2.3', '1..3', '1.2.2.3'], ['1.3', '1.2.34', '1x2x3']],
  ['*a*', ['a', 'bab', 'aa'], ['b', 'A']],
  ['a*b*c', ['abc', 'aXbYc', 'abbc'], ['acb', 'abcd']],
  ['.*', ['.a', '..a', '.a.b'], ['a', 'a.']],
  ['a?', ['a?'], ['ab', 'a']],
  ['a?*', ['a?', 'a?b'], ['ab']],
  ['[ab]*', ['[ab]', '[ab]x'], ['a', 'b', 'ax']],
  ['[!a]*', ['[!a]1'], ['b', 'b1']],
  ['[[:digit:]]*', ['[[:digit:]]1'], ['1', '11']],
  ['{a,b}*', ['{a,b}', '{a,b}1'], ['a', 'b1']],
  ['{1..3}*', ['{1..3}'], ['1', '2']],
  ['!a*', ['!a', '!ab'], ['b', 'a']],
  ['!!a*', ['!!a'], ['a', '!a']],
  ['#a*', ['#a', '#ab'], ['a']],
  ['+(a)*', ['+(a)', '+(a)b'], ['a', 'aa']],
  ['@(a|b)*', ['@(a|b)'], ['a', 'b']],
  ['*(a)', ['(a)', 'x(a)'], ['a', 'aa', '']],
  ['!(a)*', ['!(a)', '!(a)b'], ['b', '']],
  ['a\\*', ['a\\', 'a\\b'], ['a*', 'a']],
  ['\\*', ['\\', '\\x'], ['*', 'x']],
  ['^a$*', ['^a$', '^a$b'], ['a']],
  ['a+*', ['a+', 'a+b'], ['aa', 'a']],
  ['a*', ['a', 'ab', 'a.b'], ['a/b', 'A', 'ba']],
  ['latest', ['latest'], ['latest2', 'alatest', 'Latest']],
];

const GLOBS: [pattern: string, matching: string[], other: string[]][] = [
  ['21.2.10', ['21.2.10'], ['21.2.1', '21x2.10', '21.2.100', 'v21.2.10']],
  ['*', ['1', 'latest', '_x'], ['', '.', '..']],
  ['**', ['1', 'latest'], ['']],
  ['1.?', ['1.0', '1.x', '1..'], ['1.', '1.10', '110']],
  ['???', ['abc', '1.2'], ['ab', 'abcd']],
  ['?*', ['a', 'ab'], ['', '.', '..']],
  ['v[0-9]*', ['v1', 'v10.2', 'v9x'], ['v', 'vx', '1', 'V1']],
  ['[abc]', ['a', 'b', 'c'], ['d', 'A', 'ab', '']],
  ['[!abc]x', ['dx', '1x', '.x'], ['ax', 'x', 'dxx']],
  ['[a-cx]', ['a', 'b', 'x'], ['d', '-']],
  ['1[.-]2', ['1.2', '1-2'], ['1_2', '12', '1x2']],
  ['1[a-]2', ['1a2', '1-2'], ['1b2']],
  ['1[-a]2', ['1a2', '1-2'], ['1b2']],
  ['1[!-a]2', ['1b2'], ['1a2', '1-2']],
  ['[!a-c]', ['d', '-'], ['a', 'b', 'c']],
  ['[a-z]1', ['q1'], ['Q1', '_1', '11']],
  ['{a,b}', ['a', 'b'], ['ab', 'a,b', '{a,b}', 'c']],
  ['{22,24}.04', ['22.04', '24.04'], ['23.04', '22x04', '2224.04']],
  ['1.2{,-rc*}', ['1.2', '1.2-rc', '1.2-rc1'], ['1.2-', '1.2.3']],
  ['{a,b{1,2}}x', ['ax', 'b1x', 'b2x'], ['bx', 'b3x']],
  ['{a,b}{1,2}', ['a1', 'b2'], ['a', '1', 'ab']],
  ['{a*,?b}', ['a', 'abc', 'xb'], ['b', 'xbc']],
  ['{8..11}-jdk', ['8-jdk', '9-jdk', '10-jdk', '11-jdk'], ['7-jdk', '12-jdk', '08-jdk']],
  ['{08..10}', ['08', '09', '10'], ['8', '11']],
  ['{a..c}', ['a', 'b', 'c'], ['d']],
  ['{1..1000}', ['1', '500', '1000'], ['0', '1001']],
  ['[{a,b}]', ['a', 'b'], ['[a]', ',']],
  ['a.b?', ['a.bc'], ['axbc']],
  ['*.[0-9]*.*-{gpu,cuda}', ['1.2.3-gpu', '1.2.-cuda'], ['1.x.3-gpu', '1.2-gpu', '1.2.3']],
];

/** Each is refused; that nothing else is shows in the other tables. */
const NO_GLOBS: string[] = [
  '',
  '\\',
  'a\\*',
  '\\[a]',
  '[',
  ']',
  '[]',
  '[!]',
  '[a',
  'a]',
  '[]a]',
  '[[a]',
  '[a/b]',
  '[*]',
  '[z-a]',
  '[9-0]x',
  '[a-bz-y]',
  '[^a]',
  '[[:digit:]]',
  '{',
  '}',
  '}{',
  '{a,b',
  'a,b}',
  '{a}',
  '{}',
  '{,}',
  'a,b',
  '{a,b},c',
  '{1..2',
  '{a..zz}',
  '!a',
  'a!',
  '+(a)',
  '@(a|b)',
  '*(a)',
  'a|b',
  '(a)',
  '^a',
  'a$',
  '$1',
  'a+',
  '#a',
  'a/b',
  'a:b',
  'a@b',
  'a b',
  ' a',
  'a\n',
  'a\u0000',
  'ä',
  '\ud83d\ude00',
  '.a',
  '-a',
  '.*',
  '{a,-b}',
  'a'.repeat(129),
  '*'.repeat(129),
  `{${'a'.repeat(129)},b}`,
  '[a]'.repeat(129),
  `{${'a,'.repeat(500)}}`,
  '{1..1001}',
  '{1..1000000}',
  '{{1..1000000},{1..1000000}}',
  '{1..99999999999999999999}',
  '{a,b}'.repeat(10),
  '{a,b}'.repeat(199),
  '{a,b}'.repeat(10_000),
  '{'.repeat(1000),
  '{a,'.repeat(333),
  `${'{'.repeat(400)}a,b${'}'.repeat(400)}`,
];

describe('core/oci/pattern: starMatcher', () => {
  for (const [pattern, matching, other] of STARS) {
    it(`${pattern} matches ${JSON.stringify(matching)} of ${JSON.stringify([...matching, ...other])}`, () => {
      assert.deepEqual([...matching, ...other].filter(starMatcher(pattern)), matching);
    });
  }

  it('ends for a pattern that makes a backtracking matcher run for ages', () => {
    assert.equal(starMatcher(`${'*a'.repeat(60)}b`)('a'.repeat(128)), false);
  });

  it('agrees with a matcher of its own on random patterns', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = randomNumbers(seed);
    const characters = 'aab1.*?[](){},!+@#\\-|^$*x*';
    const text = (length: number): string =>
      Array.from({ length }, () => characters[random(characters.length)]).join('');
    for (let round = 0; round < 3000; round += 1) {
      const pattern = text(1 + random(5));
      const tag =
        random(2) === 0 ? `x${text(random(6))}` : pattern.replace(/\*/g, () => `x${text(random(2))}`);
      if (tag === '.' || tag === '..') continue;
      const expected = matchesByHand(pattern.split(''), tag);
      assert.equal(starMatcher(pattern)(tag), expected, `seed ${seed}: ${pattern} on ${tag}`);
    }
  });
});

describe('core/oci/pattern: globMatcher', () => {
  for (const [pattern, matching, other] of GLOBS) {
    it(`${pattern} matches ${JSON.stringify(matching)} and not ${JSON.stringify(other)}`, () => {
      checkGlob(pattern);
      assert.deepEqual([...other, ...matching].filter(globMatcher(pattern)), matching);
    });
  }

  it('agrees with a matcher of its own on random patterns', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = randomNumbers(seed);
    const units = ['a', 'b', '1', '.', '-', '*', '?', '[ab]', '[!a]', '[0-9]', '[!0-9b]', '[a.]'];
    const letters = 'aabb1.-';
    for (let round = 0; round < 5000; round += 1) {
      const pattern = ['a', ...Array.from({ length: random(6) }, () => units[random(units.length)] ?? '')];
      const tag = `a${Array.from({ length: random(6) }, () => letters[random(letters.length)]).join('')}`;
      const glob = pattern.join('');
      checkGlob(glob);
      const expected = matchesByHand(pattern, tag, isGlobUnit);
      assert.equal(globMatcher(glob)(tag), expected, `seed ${seed}: ${glob} on ${tag}`);
    }
  });

  it('ends soon for patterns that make a backtracking matcher run for ages', () => {
    const tag = 'a'.repeat(128);
    const patterns = [
      '*a*a*a*a*b',
      `${'*a'.repeat(60)}b`,
      `${'*?'.repeat(60)}b`,
      `${'*[a-z]'.repeat(60)}b`,
      `${'{*a,*a*}'.repeat(9)}b`,
      `${'?*'.repeat(60)}[!a]`,
    ];
    for (const pattern of patterns) {
      checkGlob(pattern);
      assert.equal(globMatcher(pattern)(tag), false, pattern);
    }
  });
});

describe('core/oci/pattern: checkGlob', () => {
  for (const glob of NO_GLOBS) {
    it(`refuses ${JSON.stringify(glob).slice(0, 60)}`, () => {
      assert.throws(
        () => checkGlob(glob),
        (error) =>
          isFailure(error, 'pattern-invalid') &&
          error.hint !== undefined &&
          !/[\p{Cc}\p{Cf}]/u.test(error.message),
      );
    });
  }
});

/** `pattern`: single characters, `*`, and what {@link testUnit} knows. */
function matchesByHand(pattern: readonly string[], tag: string, testUnit = isSame): boolean {
  const [unit, ...rest] = pattern;
  if (unit === undefined) return tag === '';
  if (unit !== '*') return tag !== '' && testUnit(unit, tag) && matchesByHand(rest, tag.slice(1), testUnit);
  return matchesByHand(rest, tag, testUnit) || (tag !== '' && matchesByHand(pattern, tag.slice(1), testUnit));
}

function isSame(unit: string, tag: string): boolean {
  return unit === tag[0];
}

function isGlobUnit(unit: string, tag: string): boolean {
  if (unit === '?') return true;
  return new RegExp(`^${unit === '.' ? '\\.' : unit.replace('[!', '[^')}`).test(tag);
}

/** A linear congruential generator: whole numbers from 0 to below the limit. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % limit;
  };
}
