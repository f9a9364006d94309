import assert from 'node:assert/strict';
import { matchTags } from '../../wishlist/pattern.ts';

const CASES: [pattern: string, matching: string[], other: string[]][] = [
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

describe('matchTags', () => {
  for (const [pattern, matching, other] of CASES) {
    it(`${pattern} matches ${JSON.stringify(matching)} of ${JSON.stringify([...matching, ...other])}`, () => {
      assert.deepEqual(matchTags(pattern, [...matching, ...other]), matching);
      assert.deepEqual(matchTags(pattern, [...other, ...matching]), matching);
    });
  }

  it('keeps the order of the registry and every occurrence', () => {
    assert.deepEqual(matchTags('1*', ['10', '2', '1', '10', '1.5']), ['10', '1', '10', '1.5']);
  });

  it('gives nothing for no tags', () => {
    assert.deepEqual(matchTags('*', []), []);
  });

  it('ends for a pattern that makes a backtracking matcher run for ages', () => {
    assert.deepEqual(matchTags(`${'*a'.repeat(60)}b`, ['a'.repeat(128)]), []);
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
      const expected = matchesByHand(pattern, tag) ? [tag] : [];
      if (tag === '.' || tag === '..') continue;
      assert.deepEqual(matchTags(pattern, [tag]), expected, `seed ${seed}: ${pattern} on ${tag}`);
    }
  });
});

function matchesByHand(pattern: string, tag: string): boolean {
  if (pattern === '') return tag === '';
  if (!pattern.startsWith('*')) return pattern[0] === tag[0] && matchesByHand(pattern.slice(1), tag.slice(1));
  return matchesByHand(pattern.slice(1), tag) || (tag !== '' && matchesByHand(pattern, tag.slice(1)));
}

/** A linear congruential generator: whole numbers from 0 to below the limit. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % limit;
  };
}
