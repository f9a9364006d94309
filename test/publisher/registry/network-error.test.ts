import { strict as assert } from 'node:assert';
import { errors } from 'undici';
import { classifyNetworkError } from '../../../publisher/registry/network-error.ts';

/** Tries: 1 for what will not change, 2 for what looks dead, else as many as there are. */
const CASES: readonly (readonly [
  code: string,
  maximumTries: number,
  kind: 'unreachable' | 'broken' | 'stall',
])[] = [
  ['ENOTFOUND', 2, 'unreachable'],
  ['EAI_AGAIN', 2, 'unreachable'],
  ['ECONNREFUSED', 2, 'unreachable'],
  ['EHOSTUNREACH', 2, 'unreachable'],
  ['UND_ERR_CONNECT_TIMEOUT', 2, 'unreachable'],
  ['CERT_HAS_EXPIRED', 1, 'unreachable'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 1, 'unreachable'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 1, 'unreachable'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 1, 'unreachable'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 1, 'unreachable'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 1, 'unreachable'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 1, 'unreachable'],
  ['EPROTO', 1, 'unreachable'],
  ['UND_ERR_HEADERS_TIMEOUT', Infinity, 'unreachable'],
  ['ECONNRESET', Infinity, 'unreachable'],
  ['UND_ERR_SOCKET', Infinity, 'unreachable'],
  ['UND_ERR_BODY_TIMEOUT', Infinity, 'stall'],
  ['UND_ERR_HEADERS_OVERFLOW', Infinity, 'broken'],
];

describe('registry/network-error', () => {
  for (const [code, maximumTries, kind] of CASES) {
    it(`${code} is ${kind}, worth ${maximumTries} tries`, () => {
      const error = classifyNetworkError(Object.assign(new Error('some text'), { code }));
      assert.equal(error?.maximumTries, maximumTries);
      assert.deepEqual([error.isBrokenAnswer, error.isStall], [kind === 'broken', kind === 'stall']);
    });
  }

  it('knows an answer that is no HTTP, which has no code', () => {
    assert.equal(classifyNetworkError(new errors.HTTPParserError('x'))?.isBrokenAnswer, true);
  });

  it('knows the error of several addresses that all refused', () => {
    const error = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    assert.equal(classifyNetworkError(error)?.maximumTries, 2);
  });

  for (const error of [
    new TypeError('x'),
    Object.assign(new Error('x'), { code: 'UND_ERR_INVALID_ARG' }),
    'text',
    null,
  ]) {
    it(`leaves ${String(error)} to programmers`, () => {
      assert.equal(classifyNetworkError(error), undefined);
    });
  }
});
