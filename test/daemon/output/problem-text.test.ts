import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { problemTextFor, wrap } from '../../../daemon/output/problem-text.ts';
import { capture } from '../cli/capture.ts';

const PROBLEM = {
  code: 'tag-unknown',
  message: 'the image quay.io/lab/tool has no tag v1: quay.io answered 404',
  hint: 'did you mean quay.io/lab/tool:1?',
} as const;

describe('daemon/output/problem-text', () => {
  it('is one line where there is no terminal', () => {
    const { error, warning } = problemTextFor(capture(), {});
    assert.deepEqual(error(PROBLEM, 'r.yaml:3'), [
      `error[tag-unknown] r.yaml:3: ${PROBLEM.message}; ${PROBLEM.hint}`,
    ]);
    assert.deepEqual(warning('two\nlines'), ['warning: two lines']);
  });

  it('is wrapped on a terminal, with its hint on a line of its own', () => {
    const { error, warning } = problemTextFor(capture(40), { NO_COLOR: '1' });
    assert.deepEqual(error(PROBLEM), [
      'error[tag-unknown] the image',
      '  quay.io/lab/tool has no tag v1:',
      '  quay.io answered 404',
      '  hint: did you mean quay.io/lab/tool:1?',
    ]);
    assert.deepEqual(error({ code: 'usage', message: 'short' }), ['error[usage] short']);
    assert.deepEqual(warning('short'), ['warning: short']);
  });

  for (const [what, environment, isColoured] of [
    ['a terminal', {}, true],
    ['NO_COLOR', { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', { NO_COLOR: '' }, true],
    ['a dumb terminal', { TERM: 'dumb' }, false],
  ] as const) {
    it(`is ${isColoured ? '' : 'not '}coloured: ${what}`, () => {
      const lines = problemTextFor(capture(60), environment).error(PROBLEM).join('\n');
      assert.equal(lines !== stripVTControlCharacters(lines), isColoured);
      assert.match(stripVTControlCharacters(lines), /^error\[tag-unknown\] the image/);
    });
  }

  it('is not coloured in a pipe', () => {
    const [line = ''] = problemTextFor(capture(), {}).error(PROBLEM);
    assert.equal(line, stripVTControlCharacters(line));
  });

  const long = 'x'.repeat(50);
  for (const [text, columns, lines] of [
    ['a b', 40, ['a b']],
    [`a ${long} b`, 40, ['a', `  ${long}`, '  b']],
    ['words and words', 10, ['words and words']],
    ['', 40, ['']],
  ] as const) {
    it(`tears no word of ${JSON.stringify(text)} apart`, () => assert.deepEqual(wrap(text, columns), lines));
  }
});
