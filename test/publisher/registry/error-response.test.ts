import { strict as assert } from 'node:assert';
import { errorCodesOf, toFailure } from '../../../publisher/registry/error-response.ts';
import { parseRetryAfter } from '../../../core/http/retry.ts';
import type { ImageSubject } from '../../../core/oci/reference.ts';
import type { FailureCode } from '../../../core/failure.ts';

const REFERENCE = {
  scheme: 'https',
  registry: 'r.example:5000',
  repository: 'lab/tool',
  tag: '1.2',
  digest: undefined,
} as const;
const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

const FAILURES: readonly (readonly [
  status: number,
  kind: ImageSubject['kind'],
  errorCode: string,
  code: FailureCode,
])[] = [
  [401, 'manifest', 'UNAUTHORIZED', 'unauthorized'],
  [403, 'blob', 'DENIED', 'forbidden'],
  [401, 'token', '', 'unauthorized'],
  [404, 'tag list', 'NAME_UNKNOWN', 'image-unknown'],
  [404, 'tag list', '', 'image-unknown'],
  [404, 'manifest', 'MANIFEST_UNKNOWN', 'tag-unknown'],
  [404, 'manifest', '', 'tag-unknown'],
  [404, 'manifest', 'NAME_UNKNOWN', 'image-unknown'],
  [404, 'blob', 'BLOB_UNKNOWN', 'blob-unknown'],
  [404, 'token', '', 'registry-error'],
  [429, 'manifest', 'TOOMANYREQUESTS', 'rate-limited'],
  [400, 'manifest', '', 'registry-error'],
  [500, 'blob', '', 'registry-error'],
  [204, 'blob', '', 'registry-error'],
  [302, 'blob', '', 'registry-error'],
];

const RETRY_AFTER: readonly (readonly [field: string, waitMs: number | undefined])[] = [
  ['0', 0],
  ['120', 120_000],
  ['999999999', 999_999_999_000],
  ['Fri, 02 Jan 2026 03:04:35 GMT', 30_000],
  ['Fri, 02 Jan 2026 03:04:00 GMT', 0],
  ['', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['9999999999999', undefined],
];

const BODIES: readonly (readonly [body: string, codes: readonly string[]])[] = [
  ['{"errors":[{"code":"NAME_UNKNOWN","message":"m"},{"code":"DENIED"}]}', ['NAME_UNKNOWN', 'DENIED']],
  ['{"errors":[{"code":"\\u001b[31m"}]}', []],
  ['{"errors":[]}', []],
  ['{"errors":"x"}', []],
  ['null', []],
  ['<html>', []],
  ['', []],
];

describe('publisher/registry/error-response', () => {
  for (const [status, kind, errorCode, code] of FAILURES) {
    it(`${status} ${errorCode} for a ${kind} is ${code}, and says where`, () => {
      const errorCodes = errorCode === '' ? [] : [errorCode];
      const response = {
        status,
        host: 'cdn.example',
        body: JSON.stringify({ errors: errorCodes.map((one) => ({ code: one })) }),
        isDirect: true,
        credentials: undefined,
        retryAfterMs: undefined,
      };
      const failure = toFailure({ kind: 'response', response }, { kind, reference: REFERENCE });
      assert.equal(failure.code, code);
      assert.notEqual(failure.hint, undefined);
      for (const part of ['r.example:5000', 'lab/tool', String(status), errorCode]) {
        assert(failure.message.includes(part), `${part} is not in: ${failure.message}`);
      }
    });
  }

  it('names the tag that is missing, or else the digest', () => {
    const response = {
      status: 404,
      host: 'r.example:5000',
      body: '',
      isDirect: true,
      credentials: undefined,
      retryAfterMs: undefined,
    };
    const digest = `sha256:${'0'.repeat(64)}`;
    assert.match(
      toFailure({ kind: 'response', response }, { kind: 'manifest', reference: REFERENCE }).message,
      /1\.2/,
    );
    assert(
      toFailure(
        { kind: 'response', response },
        { kind: 'manifest', reference: { ...REFERENCE, digest } },
      ).message.includes(digest),
    );
  });

  it('says until when requests are limited', () => {
    for (const [retryAfterMs, pattern] of [
      [3_600_000, /until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+00:00/],
      [Number.MAX_VALUE, /until an unknown time/],
    ] as const) {
      const response = {
        status: 429,
        host: 'r.example:5000',
        body: '',
        isDirect: true,
        credentials: undefined,
        retryAfterMs,
      };
      assert.match(
        toFailure({ kind: 'response', response }, { kind: 'manifest', reference: REFERENCE }).message,
        pattern,
      );
    }
  });

  for (const [field, waitMs] of RETRY_AFTER) {
    it(`waits for Retry-After ${JSON.stringify(field)}`, () => {
      assert.equal(parseRetryAfter(field, NOW_MS), waitMs);
    });
  }

  for (const [body, codes] of BODIES) {
    it(`finds the error codes of ${body}`, () => {
      assert.deepEqual(errorCodesOf(body), codes);
    });
  }
});
