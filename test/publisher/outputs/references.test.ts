import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import type { Digest } from '../../../core/oci/digest.ts';
import { referencesOf } from '../../../publisher/outputs/references.ts';
import { treeName } from '../../../publisher/outputs/output.ts';
import { parsePublishedManifest } from '../../../publisher/published/published-manifest.ts';

const digestOf = (digit: string): Digest => `sha256:${digit.repeat(64)}`;
const CONFIG = digestOf('c');
const BASE = digestOf('1');
const FOREIGN = digestOf('2');
const TOP = digestOf('3');
const FOREIGN_TYPE = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';

function manifest(layers: readonly unknown[], config: unknown = { digest: CONFIG }): Buffer {
  return Buffer.from(JSON.stringify({ config, layers }));
}

function named(bytes: Buffer): string[] | undefined {
  const found = parsePublishedManifest(bytes);
  return found && referencesOf(found).map(treeName);
}

const id = (text: string): string => hash('sha256', text);

describe('publisher/outputs/references', () => {
  it('has all layers, their chains, and the flat tree', () => {
    const first = id(BASE);
    assert.deepEqual(named(manifest([{ digest: BASE }, { digest: TOP, mediaType: null }])), [
      `layers/${'1'.repeat(64)}`,
      `layers/${'3'.repeat(64)}`,
      `chains/${first}`,
      `chains/${id(`sha256:${first} ${TOP}`)}`,
      `flat/${'c'.repeat(64)}`,
    ]);
  });

  it('has those of an image with and without the layers that registries do not distribute', () => {
    const layers = [{ digest: BASE }, { digest: FOREIGN, mediaType: FOREIGN_TYPE }, { digest: TOP }];
    const first = id(BASE);
    const second = id(`sha256:${first} ${FOREIGN}`);
    assert.deepEqual(named(manifest(layers))?.slice(3), [
      `chains/${first}`,
      `chains/${second}`,
      `chains/${id(`sha256:${second} ${TOP}`)}`,
      `chains/${first}`,
      `chains/${id(`sha256:${first} ${TOP}`)}`,
      `flat/${'c'.repeat(64)}`,
      `flat/${id(`${CONFIG} without 1`)}`,
    ]);
  });

  it('has the flat tree of an image without layers', () => {
    assert.deepEqual(named(manifest([])), [`flat/${'c'.repeat(64)}`]);
  });

  const broken: Readonly<Record<string, Buffer>> = {
    'no JSON': Buffer.from('{"config":'),
    'no bytes': Buffer.alloc(0),
    'a list': Buffer.from('[]'),
    'no config': Buffer.from('{"layers":[]}'),
    'no layers': manifest(undefined as never),
    'a config of another digest': manifest([], { digest: `sha512:${'0'.repeat(128)}` }),
    'a layer of another digest': manifest([{ digest: BASE }, { digest: 'sha256:..' }]),
    'a layer in upper case': manifest([{ digest: BASE.replace('1', 'A') }]),
    'an index': Buffer.from('{"manifests":[]}'),
  };
  for (const [what, bytes] of Object.entries(broken))
    it(`has nothing to say of ${what}`, () => assert.equal(named(bytes), undefined));
});
