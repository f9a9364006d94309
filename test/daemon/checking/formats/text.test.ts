import assert from 'node:assert/strict';
import { excerptOf, formatText } from '../../../../daemon/checking/formats/text.ts';
import { finding, measured, reportOf, wish } from '../report-of.ts';

describe('daemon/checking/formats/text: the format text', () => {
  it('has the finding, its line, and carets below', () => {
    assert.deepEqual(
      formatText(reportOf([finding()]))
        .split('\n')
        .slice(0, 3),
      [
        'recipe.yaml:4:6: error: the image quay.io/lab/tool has no tag 1; did you mean quay.io/lab/tool:1.0? [tag-unknown]',
        " 4 |   - 'quay.io/lab/tool:1'",
        '   |      ^^^^^^^^^^^^^^^^^^',
      ],
    );
  });

  it('ends with what the images take, where registries were asked', () => {
    const wishes = [wish({ images: [measured('quay.io/lab/tool:1', 1_500_000)] })];
    const online = formatText(reportOf([], wishes, { base: 'main' }));
    assert.match(online, /^adds 1 image: 1 layer, 1\.5 MB compressed$/m);
    assert.match(online, /^recipe\.yaml: 1 wish, 1 new or changed since main; 0 errors/m);
    assert.doesNotMatch(formatText(reportOf([], [wish()], { isOffline: true })), /image/);
  });
});

describe('daemon/checking/formats/text: the excerpt of a line', () => {
  const line = "  - 'user:secret@quay.io/lab/tool:1'";
  function shown(text: string, changes: Parameters<typeof finding>[0] = {}): string | undefined {
    return excerptOf(finding({ line: 1, column: undefined, endColumn: undefined, ...changes }), [text]);
  }

  it('keeps carets in place behind tabs', () => {
    assert.equal(shown('\t- x', { column: 4, endColumn: 5 }), ' 1 |  - x\n   |    ^');
  });

  it('has one caret where the end is not known, also behind the end', () => {
    assert.equal(shown('abc', { column: 2 }), ' 1 | abc\n   |  ^');
    assert.equal(shown('abc', { column: 4 }), ' 1 | abc\n   |    ^');
  });

  it('has no control characters', () => {
    assert.equal(shown('a\u001b[31m\u202e b'), ' 1 | a[31m b');
  });

  it('is none for an empty line, and none beyond the end', () => {
    assert.equal(shown('  '), undefined);
    assert.equal(shown('a', { line: 7 }), undefined);
  });

  it('leaves names that hold such words as they are', () => {
    for (const text of [
      '- quay.io/auth/passwd:1',
      'image: quay.io/lab/token:secret',
      "- 'q.io/a/password:1'",
    ]) {
      assert.equal(shown(text), ` 1 | ${text}`);
    }
  });

  it('tells no secret: the masked text takes the place of the line', () => {
    for (const secret of [
      line,
      "- {x: 1, image: 'user:se cret@q.io/a'}",
      '- q.io/a?token=secret',
      'password: secret',
      "- {'api-token': secret}",
    ]) {
      const text = shown(secret, { text: '***@quay.io/lab/tool:1', column: 3 });
      assert.equal(text, ' 1 | ***@quay.io/lab/tool:1', secret);
    }
    assert.equal(shown(line, { text: '' }), undefined);
  });

  it('gives no command to a runner, and leaves the carets where they belong', () => {
    const text = '- a ##[error]b';
    assert.equal(shown(text, { column: 5, endColumn: 15 }), ' 1 | - a # [error]b\n   |     ^^^^^^^^^^');
  });

  it('shows digests', () => {
    const pinned = `- q.io/a@sha256:${'0'.repeat(64)}`;
    assert.equal(shown(pinned), ` 1 | ${pinned}`);
  });
});
