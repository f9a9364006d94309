import assert from 'node:assert/strict';
import { formatJunit } from '../../../../daemon/checking/formats/junit.ts';
import { finding, reportOf, wish } from '../report-of.ts';

describe('daemon/checking/formats/junit', () => {
  it('has one test for each line, under a name of its own', () => {
    const text = formatJunit(
      reportOf(
        [finding(), finding({ severity: 'warning' }), finding({ line: 9, text: '' })],
        [wish(), wish({ line: 5 })],
      ),
    );
    const names = [...text.matchAll(/<testcase [^>]*?\bname="([^"]*)"/g)].map(([, name]) => name);
    assert.deepEqual(names, ['line 4: quay.io/lab/tool:1', 'line 5: quay.io/lab/tool:1', 'line 9']);
    assert.equal(text.match(/<failure /g)?.length, 2);
    assert.equal(text.match(/<system-out>/g)?.length, 1);
    assert.match(text, /<testsuite name="recipe.yaml" tests="3" failures="2" errors="0"/);
  });

  it('is XML whatever a recipe says', () => {
    const evil = `</failure>]]><x a="1" b='2'>&amp;\u0000\u001b[31m\u0085\ufffe\uffff\ud800\n`;
    const text = formatJunit(
      reportOf([finding({ message: evil, hint: evil, text: evil, file: 'recipe.yaml' })]),
    );
    assert.equal(text.match(/<x/g), null);
    // eslint-disable-next-line no-control-regex
    assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\ufffe\uffff]|\p{Cs}/u);
    const outside = text.replaceAll(
      /<\?[^>]*\?>|<\/?[a-z-]+(?: [a-z]+="[^"<&]*(?:&[a-z]+;[^"<&]*)*")*\/?>/g,
      '',
    );
    assert.match(outside, /^(?:[^<>&]|&(?:amp|lt|gt|quot|apos);)*$/);
  });

  it('passes where nothing is wrong', () => {
    assert.match(formatJunit(reportOf([], [wish()])), /tests="1" failures="0"/);
  });
});
