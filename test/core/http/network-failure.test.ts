import { strict as assert } from 'node:assert';
import { errors } from 'undici';
import type { NetworkErrorCode } from '../../../core/http/fault.ts';
import { classifyNetworkError } from '../../../core/http/network-failure.ts';

/** Tries: 1 for what will not change, 2 for what looks dead, else as many as there are. */
const CASES: readonly (readonly [code: string, maximumTries: number, kind: NetworkErrorCode])[] = [
  ['ENOTFOUND', 2, 'dns-failed'],
  ['EAI_AGAIN', 2, 'dns-failed'],
  ['ECONNREFUSED', 2, 'registry-unreachable'],
  ['EHOSTUNREACH', 2, 'registry-unreachable'],
  ['UND_ERR_CONNECT_TIMEOUT', 2, 'registry-timeout'],
  ['CERT_HAS_EXPIRED', 1, 'tls-failed'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 1, 'tls-failed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 1, 'tls-failed'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 1, 'tls-failed'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 1, 'tls-failed'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 1, 'tls-failed'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 1, 'tls-failed'],
  ['EPROTO', 1, 'tls-failed'],
  ['UND_ERR_HEADERS_TIMEOUT', Infinity, 'registry-timeout'],
  ['ECONNRESET', Infinity, 'registry-unreachable'],
  ['UND_ERR_SOCKET', Infinity, 'registry-unreachable'],
  ['UND_ERR_BODY_TIMEOUT', Infinity, 'registry-timeout'],
  ['UND_ERR_HEADERS_OVERFLOW', Infinity, 'registry-error'],
];

describe('core/http/network-failure', () => {
  for (const [code, maximumTries, kind] of CASES) {
    it(`${code} is ${kind}, worth ${maximumTries} tries`, () => {
      const error = classifyNetworkError(Object.assign(new Error('some text'), { code }));
      assert.equal(error?.maximumTries, maximumTries);
      assert.equal(error.code, kind);
      assert.equal(error.isStall, code === 'UND_ERR_BODY_TIMEOUT');
    });
  }

  it('knows an answer that is no HTTP, which has no code', () => {
    assert.equal(classifyNetworkError(new errors.HTTPParserError('x'))?.code, 'registry-error');
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
