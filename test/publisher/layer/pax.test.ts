import assert from 'node:assert/strict';
import { decodePax, paxInteger, paxNumber, paxText } from '../../../publisher/layer/pax.ts';

describe('publisher/layer/pax', () => {
  const bodies: [what: string, body: string, records: Record<string, string>][] = [
    ['nothing', '', {}],
    ['one record', '12 path=abc\n', { path: 'abc' }],
    ['several', '12 path=abc\n7 a=b\n\n', { path: 'abc', a: 'b\n' }],
    ['an equals sign in the value', '9 a=b=cd\n', { a: 'b=cd' }],
    ['a line end and a NUL in the value', '9 a=\n\0\xffx\n', { a: '\n\0\xffx' }],
    ['an empty value', '5 a=\n', { a: '' }],
    ['the last of one name', '6 a=1\n6 a=2\n', { a: '2' }],
    ['spaces in the name', '8 a b=c\n', { 'a b': 'c' }],
  ];
  for (const [what, body, records] of bodies) {
    it(`decodes ${what}`, () => {
      assert.deepEqual(Object.fromEntries(decodePax(Buffer.from(body, 'latin1'))), records);
    });
  }

  const damaged: [what: string, body: string][] = [
    ['no length', 'path=abc\n'],
    ['no space', '12path=abc\n'],
    ['a length that is no number', 'x path=abc\n'],
    ['an empty length', ' path=abc\n'],
    ['a length of zero', '0 path=abc\n'],
    ['a negative length', '-12 path=abc\n'],
    ['a length that leads beyond the header', '13 path=abc\n'],
    ['a length that leads into the value', '10 path=abc\n'],
    ['a length that ends before the equals sign', '5 path=\n\n'],
    ['no equals sign', '7 path\n'],
    ['an equals sign of the next record alone', '5 ab\n6 a=1\n'],
    ['no line end', '12 path=abcd'],
    ['a fraction', '12.5 path=abc\n'],
    ['a tail of zeros', '12 path=abc\n\0\0'],
  ];
  for (const [what, body] of damaged) {
    it(`refuses ${what}`, () => {
      assert.throws(() => decodePax(Buffer.from(body, 'latin1')), { code: 'layer-corrupt' });
    });
  }

  const numbers: [text: string | undefined, number: number | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['0', 0],
    ['007', 7],
    ['-1', -1],
    ['1350244992.023960108', 1350244992.02396],
    ['-0.5', -0.5],
    ['3.', 3],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ];
  for (const [text, number] of numbers) {
    it(`reads ${text ?? 'no record'} as ${number}`, () => {
      assert.equal(paxNumber(recordsOf(text), 'key'), number);
    });
  }

  for (const text of [
    ' 1',
    '1 ',
    '+1',
    '0x10',
    '1e3',
    '.5',
    '-',
    '1.2.3',
    'NaN',
    '1\n',
    '9007199254740992',
  ]) {
    it(`takes ${JSON.stringify(text)} for no number`, () => {
      assert.throws(() => paxNumber(recordsOf(text), 'key'), { code: 'layer-corrupt' });
    });
  }

  it('takes a fraction for no whole number', () => {
    assert.equal(paxInteger(recordsOf('12.0'), 'key'), 12);
    assert.equal(paxInteger(recordsOf(undefined), 'key'), undefined);
    assert.throws(() => paxInteger(recordsOf('12.5'), 'key'), { code: 'layer-corrupt' });
  });

  it('takes an empty text for none', () => {
    assert.equal(paxText(recordsOf(''), 'key'), undefined);
    assert.equal(paxText(recordsOf('a'), 'key'), 'a');
  });
});

function recordsOf(value: string | undefined): Map<string, string> {
  return new Map(value === undefined ? [] : [['key', value]]);
}
