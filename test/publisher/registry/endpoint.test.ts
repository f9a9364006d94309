import { strict as assert } from 'node:assert';
import { apiUrl } from '../../../publisher/registry/endpoint.ts';
import { parseReference } from '../../../core/oci/reference.ts';

const CASES: readonly (readonly [reference: string, address: string])[] = [
  ['docker.io/library/debian:12', 'https://registry-1.docker.io/v2/library/debian/tags/list'],
  ['quay.io/fedora/fedora:40', 'https://quay.io/v2/fedora/fedora/tags/list'],
  ['http://localhost:5000/a/b/c:1', 'http://localhost:5000/v2/a/b/c/tags/list'],
  ['[::1]:5000/a/b:1', 'https://[::1]:5000/v2/a/b/tags/list'],
  [
    'registry.hub.docker.com/library/debian:12',
    'https://registry.hub.docker.com/v2/library/debian/tags/list',
  ],
];

describe('publisher/registry/endpoint', () => {
  for (const [reference, address] of CASES) {
    it(`finds ${reference}`, () => {
      const { scheme, registry: host, repository } = parseReference(reference);
      assert.equal(apiUrl({ scheme, host, prefix: '' }, repository, 'tags/list').href, address);
    });
  }
});
