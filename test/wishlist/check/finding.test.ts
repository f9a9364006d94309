import assert from 'node:assert/strict';
import { countFindings, findingOf, linesOf, type Remark } from '../../../wishlist/check/finding.ts';

const REMARK: Remark = {
  severity: 'error',
  code: 'tag-unknown',
  line: 2,
  column: undefined,
  text: 'q.io/a:1',
  message: 'there is none',
  hint: undefined,
};

describe('wishlist/check/finding: a finding', () => {
  const cases: readonly (readonly [string, string, number | undefined, readonly (number | undefined)[]])[] = [
    ['finds its text on the line', "  - 'q.io/a:1'", undefined, [6, 14]],
    ['begins behind the quote that its column is of', "  - 'q.io/a:1'", 5, [6, 14]],
    ['begins at its column', '  - q.io/a:1', 5, [5, 13]],
    ['keeps a column that is of something else', "  - {platforms: x, image: 'q.io/a:1'}", 8, [8, undefined]],
    ['has no column where its text is elsewhere', '  - >-', undefined, [undefined, undefined]],
  ];
  for (const [what, line, column, expected] of cases) {
    it(what, () => {
      const place = { file: 'r.yaml', lines: ['input:', line], isNew: true };
      const finding = findingOf({ ...REMARK, column }, place);
      assert.deepEqual([finding.column, finding.endColumn], expected);
    });
  }

  it('on a line that is not new is a note', () => {
    const { severity, isNew } = findingOf(REMARK, { file: 'r.yaml', lines: [], isNew: false });
    assert.deepEqual([severity, isNew], ['note', false]);
  });

  it('is counted by its severity', () => {
    const place = { file: 'r.yaml', lines: [], isNew: true };
    const findings = (['error', 'note', 'error'] as const).map((severity) =>
      findingOf({ ...REMARK, severity }, place),
    );
    assert.deepEqual(countFindings(findings), { error: 2, warning: 0, note: 1 });
  });
});

describe('wishlist/check/finding: the lines of a text', () => {
  it('end with LF, CR LF or CR', () => assert.deepEqual(linesOf('a\nb\r\nc\rd'), ['a', 'b', 'c', 'd']));
});
