import { strict as assert } from 'node:assert';
import { parseChallenges } from '../../../../publisher/registry/authentication/challenge.ts';
import type { RepositoryAccess } from '../../../../publisher/registry/endpoint.ts';
import { tokenUrl } from '../../../../publisher/registry/authentication/token.ts';
import { isFailure } from '../../../../core/failure.ts';

type Scheme = 'https' | 'http';

function urlFor(challenge: string, placeScheme: Scheme, wishScheme: Scheme): string {
  const access: RepositoryAccess = {
    endpoint: { scheme: placeScheme, host: 'mirror.example', prefix: 'cache' },
    repository: 'cache/lab/tool',
    reference: {
      scheme: wishScheme,
      registry: 'r.example',
      repository: 'lab/tool',
      tag: '1',
      digest: undefined,
    },
  };
  const [parsed] = parseChallenges(challenge);
  assert(parsed !== undefined);
  return tokenUrl(parsed, access).href;
}

const PLAIN: readonly (readonly [endpoint: Scheme, wish: Scheme, isAllowed: boolean])[] = [
  ['https', 'https', false],
  ['https', 'http', false],
  ['http', 'https', true],
  ['http', 'http', true],
];

const QUERIES: readonly (readonly [parameters: string, query: string])[] = [
  ['', 'scope=repository%3Acache%2Flab%2Ftool%3Apull'],
  [',scope=""', ''],
  [',service="a b&c"', 'service=a+b%26c&scope=repository%3Acache%2Flab%2Ftool%3Apull'],
  [',scope="a:b:pull,push  c"', 'scope=a%3Ab%3Apull%2Cpush&scope=c'],
];

describe('publisher/registry/authentication/token', () => {
  for (const [place, wish, isAllowed] of PLAIN) {
    it(`plain HTTP that a place of ${place} names for a wish of ${wish} is ${isAllowed ? 'used' : 'refused'}`, () => {
      const asking = (): string => urlFor('Bearer realm="http://auth.example/token"', place, wish);
      if (isAllowed) assert(asking().startsWith('http://auth.example/token?'));
      else assert.throws(asking, (error) => isFailure(error, 'registry-error'));
      assert(
        urlFor('Bearer realm="https://auth.example/"', place, wish).startsWith('https://auth.example/?'),
      );
    });
  }

  for (const [parameters, query] of QUERIES) {
    it(`asks for ${query} where the challenge has ${parameters}`, () => {
      const url = urlFor(`Bearer realm="https://auth.example/token?x=1"${parameters}`, 'https', 'https');
      assert.equal(url, `https://auth.example/token?x=1${query && `&${query}`}`);
    });
  }
});
