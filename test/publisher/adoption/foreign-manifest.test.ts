import assert from 'node:assert/strict';
import { standardManifest } from '../../../publisher/adoption/foreign-manifest.ts';
import { parseManifest } from '../../../core/oci/manifest.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const OCI = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = { MediaType: 'application/vnd.oci.image.config.v1+json', Size: 843, Digest: DIGEST };
const LAYER = { MediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', Size: 225, Digest: DIGEST };
const DUCC = { SchemaVersion: 2, MediaType: OCI, Config: CONFIG, Layers: [LAYER, LAYER] };

describe('publisher/adoption/foreign-manifest', () => {
  it('spells what DUCC kept of a manifest as the specification does', () => {
    const standard = standardManifest(Buffer.from(JSON.stringify(DUCC)));
    assert.ok(standard);
    const document = parseManifest(standard, 'an image');
    assert.ok(document.kind === 'image');
    assert.equal(document.mediaType, OCI);
    assert.deepEqual(document.config, { mediaType: CONFIG.MediaType, digest: DIGEST, sizeBytes: 843 });
    assert.deepEqual(
      document.layers.map(({ digest, sizeBytes }) => [digest, sizeBytes]),
      [
        [DIGEST, 225],
        [DIGEST, 225],
      ],
    );
  });

  it('leaves a media type out that DUCC found none of', () => {
    const standard = standardManifest(Buffer.from(JSON.stringify({ ...DUCC, MediaType: '' })));
    assert.equal(parseManifest(standard ?? Buffer.alloc(0), 'an image').mediaType, OCI);
  });

  const others: Readonly<Record<string, string>> = {
    'a manifest as registries serve it': JSON.stringify({ schemaVersion: 2, config: {}, layers: [] }),
    nothing: '',
    'what is cut short': JSON.stringify(DUCC).slice(0, -5),
    'another document': '[]',
    'a layer without a size': JSON.stringify({ ...DUCC, Layers: [{ ...LAYER, Size: undefined }] }),
    'a size that is none': JSON.stringify({ ...DUCC, Config: { ...CONFIG, Size: -1 } }),
  };
  for (const [what, text] of Object.entries(others))
    it(`takes ${what} for none of DUCC's`, () => {
      assert.equal(standardManifest(Buffer.from(text)), undefined);
    });
});
