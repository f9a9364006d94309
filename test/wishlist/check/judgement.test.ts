import assert from 'node:assert/strict';
import { judgePattern, judgeRegistry, judgeSize, severityOf } from '../../../wishlist/check/finding.ts';
import { inVersionOrder, someTags } from '../../../wishlist/tags/version.ts';
import { Failure, type FailureCode } from '../../../core/failure.ts';
import { recipeOf } from './recipes.ts';

const [WISH] = recipeOf(["'quay.io/lab/tool:*'"]).wishes;
assert.ok(WISH !== undefined);

describe('wishlist/check/judgement: how bad an answer of a registry is for a line', () => {
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

describe('wishlist/check/judgement: policy', () => {
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

describe('wishlist/check/judgement: tags', () => {
  it('stand in the order of versions', () => {
    assert.deepEqual(inVersionOrder(['1.10', 'latest', '1.9', '1.2']), ['1.2', '1.9', '1.10', 'latest']);
  });

  it('are shortened, with the last one at the end', () => {
    assert.equal(someTags(['1', '2', '3', '4', '5']), '1, 2, 3, 4, 5');
    assert.equal(someTags(['1', '2', '3', '4', '5', '6']), '1, 2, 3 … 6');
  });
});
