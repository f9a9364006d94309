import assert from 'node:assert/strict';
import { Failure, type FailureCode } from '../../../core/failure.ts';
import { recipeOf } from './recipes.ts';
import {
  type Remark,
  countFindings,
  findingOf,
  judgePattern,
  judgeRegistry,
  judgeSize,
  linesOf,
  severityOf,
} from '../../../wishlist/check/finding.ts';
import { inVersionOrder, someTags } from '../../../wishlist/tags/version.ts';

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

const [WISH] = recipeOf(["'quay.io/lab/tool:*'"]).wishes;
assert.ok(WISH !== undefined);

describe('wishlist/check/finding: how bad an answer of a registry is for a line', () => {
  const cases: readonly (readonly [FailureCode, 'error' | 'warning'])[] = [
    ['registry-unreachable', 'warning'],
    ['registry-timeout', 'warning'],
    ['dns-failed', 'warning'],
    ['tls-failed', 'warning'],
    ['registry-error', 'warning'],
    ['rate-limited', 'warning'],
    ['credentials-unavailable', 'warning'],
    ['unauthorized', 'error'],
    ['forbidden', 'error'],
    ['image-unknown', 'error'],
    ['tag-unknown', 'error'],
    ['platform-missing', 'error'],
    ['media-type-unsupported', 'error'],
    ['manifest-invalid', 'error'],
  ];
  for (const [code, expected] of cases) {
    it(`${code}: ${expected}`, () => assert.equal(severityOf(new Failure(code, 'a test')), expected));
  }
});

describe('wishlist/check/finding: policy', () => {
  it('allows so many tags, and not one more', () => {
    assert.equal(judgePattern(WISH, ['1', '2'], 2).code, 'pattern-means');
    const { severity, code } = judgePattern(WISH, ['1', '2', '3'], 2);
    assert.deepEqual([severity, code], ['error', 'pattern-too-wide']);
  });

  it('allows so many bytes, and not one more', () => {
    const limit = { bytes: 10, format: String };
    assert.equal(judgeSize(WISH, { image: 'i', compressedBytes: 10 }, limit), undefined);
    assert.equal(judgeSize(WISH, { image: 'i', compressedBytes: 11 }, limit)?.code, 'image-too-large');
  });

  it('allows registries by their whole host', () => {
    assert.equal(judgeRegistry(WISH, undefined), undefined);
    assert.equal(judgeRegistry(WISH, ['docker.io', 'quay.io']), undefined);
    for (const list of [['docker.io'], ['cdn.quay.io'], ['quay.io:443'], []])
      assert.equal(judgeRegistry(WISH, list)?.code, 'registry-not-allowed', list.join());
  });
});

describe('wishlist/check/finding: tags', () => {
  it('stand in the order of versions', () => {
    assert.deepEqual(inVersionOrder(['1.10', 'latest', '1.9', '1.2']), ['1.2', '1.9', '1.10', 'latest']);
  });

  it('are shortened, with the last one at the end', () => {
    assert.equal(someTags(['1', '2', '3', '4', '5']), '1, 2, 3, 4, 5');
    assert.equal(someTags(['1', '2', '3', '4', '5', '6']), '1, 2, 3 … 6');
  });
});
