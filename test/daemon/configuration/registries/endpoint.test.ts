import assert from 'node:assert/strict';
import {
  commonName,
  parseEndpoint,
  registryHost,
} from '../../../../daemon/configuration/registries/endpoint.ts';

describe('daemon/configuration/registries/endpoint: the place of a proxy or mirror', () => {
  const valid: readonly (readonly [text: string, scheme: string, host: string, prefix: string])[] = [
    ['cache.example.org', 'https', 'cache.example.org', ''],
    ['cache.example.org/', 'https', 'cache.example.org', ''],
    ['harbor', 'https', 'harbor', ''],
    ['Cache.Example.org:5000/dockerhub', 'https', 'cache.example.org:5000', 'dockerhub'],
    ['cache.example.org/a/b-c/', 'https', 'cache.example.org', 'a/b-c'],
    ['https://cache.example.org/a', 'https', 'cache.example.org', 'a'],
    ['http://127.0.0.1:5000', 'http', '127.0.0.1:5000', ''],
    ['[::1]:5000/a', 'https', '[::1]:5000', 'a'],
  ];
  for (const [text, scheme, host, prefix] of valid) {
    it(`is read from ${text}`, () => assert.deepEqual(parseEndpoint(text), { scheme, host, prefix }));
  }

  const invalid = [
    '',
    '/',
    '/dockerhub',
    'cache.example.org//a',
    'cache.example.org/A',
    'cache.example.org/a:1',
    'cache.example.org/../a',
    'cache.example.org:99999',
    'ftp://cache.example.org',
    'https://',
    'ada:s3cret@cache.example.org',
    'cache.example.org/a?x=1',
    'cache .example.org',
  ];
  for (const text of invalid) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseEndpoint(text), undefined));
  }
});

describe("daemon/configuration/registries/endpoint: a registry's host", () => {
  it('is in lower case', () => assert.equal(registryHost('Quay.IO:443'), 'quay.io:443'));
  it('is no address with a path', () => assert.equal(registryHost('quay.io/a'), undefined));

  it('has one name at Docker Hub', () => {
    for (const host of ['docker.io', 'index.docker.io', 'registry-1.docker.io'])
      assert.equal(commonName(host), 'docker.io');
    for (const host of ['registry.hub.docker.com', 'quay.io', 'docker.io:443'])
      assert.equal(commonName(host), host);
  });
});
