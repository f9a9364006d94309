import assert from 'node:assert/strict';
import { flatten } from '../../../daemon/configuration/flatten.ts';

describe('flatten', () => {
  const cases: readonly (readonly [text: string, line: string])[] = [
    ['a\nb\r\nc\td', 'a b c d'],
    ['a\u2028b\u0085c', 'a b c'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007text', 'text'],
    ['\u001b]8;;https://x\u001b\\link', 'link'],
    ['a\u0000\u0007\u0008b\u009b1m', 'ab1m'],
    ['abc\u202ecba', 'abccba'],
    ['a ##[error]b ##vso[task]c ##[group]', 'a # [error]b # vso[task]c # [group]'],
    ['##\u001b[0m[x] ##\u202e[y] ###[z]', '# [x] # [y] ## [z]'],
    ['# a ## b [c] lab/a##b', '# a ## b [c] lab/a##b'],
    ['\n a \n', 'a'],
    ['', ''],
  ];
  for (const [text, line] of cases) {
    it(`makes ${JSON.stringify(text)} one line`, () => assert.equal(flatten(text), line));
  }
});
