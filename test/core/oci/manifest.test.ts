import { strict as assert } from 'node:assert';
import { parseManifest } from '../../../core/oci/manifest.ts';
import type { FailureCode } from '../../../core/failure.ts';
import { isFailure } from '../../../core/failure.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;
const OCI = 'application/vnd.oci.image';
const DOCKER = 'application/vnd.docker';
const OCI_CONFIG = { mediaType: `${OCI}.config.v1+json`, digest: DIGEST, size: 2 };
const DOCKER_CONFIG = { mediaType: `${DOCKER}.container.image.v1+json`, digest: DIGEST, size: 2 };

function layer(mediaType: string): object {
  return { mediaType, digest: DIGEST, size: 3 };
}

function image(changes: Readonly<Record<string, unknown>>): object {
  return {
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: OCI_CONFIG,
    layers: [layer(`${OCI}.layer.v1.tar+gzip`)],
    ...changes,
  };
}

const MANIFESTS = [layer(`${OCI}.manifest.v1+json`)];

const GOOD: readonly (readonly [what: string, document: object, kind: string, mediaType: string])[] = [
  ['an OCI manifest', image({}), 'image', `${OCI}.manifest.v1+json`],
  ['one without media type', image({ mediaType: undefined }), 'image', `${OCI}.manifest.v1+json`],
  ['one with an empty media type', image({ mediaType: '' }), 'image', `${OCI}.manifest.v1+json`],
  [
    'a Docker manifest',
    image({ mediaType: `${DOCKER}.distribution.manifest.v2+json`, config: DOCKER_CONFIG }),
    'image',
    `${DOCKER}.distribution.manifest.v2+json`,
  ],
  [
    'an image with an artifact type',
    image({ artifactType: 'application/vnd.example' }),
    'image',
    `${OCI}.manifest.v1+json`,
  ],
  ['an image with an empty one', image({ artifactType: '' }), 'image', `${OCI}.manifest.v1+json`],
  ['an image without layers', image({ layers: [] }), 'image', `${OCI}.manifest.v1+json`],
  ['an index', { mediaType: `${OCI}.index.v1+json`, manifests: MANIFESTS }, 'index', `${OCI}.index.v1+json`],
  ['an index without media type', { manifests: MANIFESTS }, 'index', `${OCI}.index.v1+json`],
  [
    'a Docker list',
    { mediaType: `${DOCKER}.distribution.manifest.list.v2+json`, manifests: MANIFESTS },
    'index',
    `${DOCKER}.distribution.manifest.list.v2+json`,
  ],
];

const LAYERS: readonly (readonly [mediaType: string, isSupported: boolean])[] = [
  [`${OCI}.layer.v1.tar`, true],
  [`${OCI}.layer.v1.tar+gzip`, true],
  [`${OCI}.layer.v1.tar+zstd`, true],
  [`${DOCKER}.image.rootfs.diff.tar`, true],
  [`${DOCKER}.image.rootfs.diff.tar.gzip`, true],
  [`${DOCKER}.image.rootfs.diff.tar.zstd`, true],
  [`${OCI}.layer.nondistributable.v1.tar`, true],
  [`${OCI}.layer.nondistributable.v1.tar+gzip`, true],
  [`${OCI}.layer.nondistributable.v1.tar+zstd`, true],
  [`${DOCKER}.image.rootfs.foreign.diff.tar.gzip`, true],
  [`${OCI}.layer.v1.tar+encrypted`, false],
  ['application/vnd.cncf.helm.chart.content.v1.tar+gzip', false],
  ['', false],
];

const EMPTY_CONFIG = { ...OCI_CONFIG, mediaType: 'application/vnd.oci.empty.v1+json' };
const HELM = 'application/vnd.cncf.helm.config.v1+json';

const BAD: readonly (readonly [what: string, document: unknown, code: FailureCode, named?: string])[] = [
  ['schema 1', { schemaVersion: 1, fsLayers: [] }, 'media-type-unsupported', 'schema 1'],
  [
    'signed schema 1',
    { schemaVersion: 1, mediaType: `${DOCKER}.distribution.manifest.v1+prettyjws`, signatures: [] },
    'media-type-unsupported',
    'schema 1',
  ],
  [
    'schema 1 by its media type',
    { mediaType: `${DOCKER}.distribution.manifest.v1+json` },
    'media-type-unsupported',
    'schema 1',
  ],
  ['a Helm chart', image({ config: { ...OCI_CONFIG, mediaType: HELM } }), 'media-type-unsupported', HELM],
  [
    'an artifact with an empty config',
    image({ config: { ...OCI_CONFIG, mediaType: 'application/vnd.oci.empty.v1+json' } }),
    'media-type-unsupported',
    'application/vnd.oci.empty.v1+json',
  ],
  [
    'an Apptainer image',
    image({ config: { ...OCI_CONFIG, mediaType: 'application/vnd.sylabs.sif.config.v1+json' } }),
    'media-type-unsupported',
    'SIF',
  ],
  [
    'a Helm chart by its name',
    image({ config: { ...OCI_CONFIG, mediaType: HELM } }),
    'media-type-unsupported',
    'Helm',
  ],
  [
    'a Docker plugin',
    image({ config: { ...OCI_CONFIG, mediaType: 'application/vnd.docker.plugin.v1+json' } }),
    'media-type-unsupported',
    'plugin',
  ],
  [
    'a signature by its artifact type',
    image({
      config: EMPTY_CONFIG,
      artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      layers: [],
    }),
    'media-type-unsupported',
    'signature',
  ],
  [
    'an empty artifact type',
    image({ config: EMPTY_CONFIG, artifactType: '', layers: [] }),
    'media-type-unsupported',
    'application/vnd.oci.empty.v1+json',
  ],
  [
    'a signature with the config of an image',
    image({ layers: [layer('application/vnd.dev.cosign.simplesigning.v1+json')] }),
    'media-type-unsupported',
    'signature',
  ],
  [
    'an attestation with the config of an image',
    image({ layers: [layer('application/vnd.in-toto+json')] }),
    'media-type-unsupported',
    'attestation',
  ],
  [
    'an unknown artifact',
    image({ config: EMPTY_CONFIG, artifactType: 'application/vnd.example.\u001b[31m' }),
    'media-type-unsupported',
    'application/vnd.example.\\u001b[31m',
  ],
  ['another media type', image({ mediaType: 'text/html' }), 'media-type-unsupported', 'text/html'],
  ['an index and manifest at once', image({ manifests: [] }), 'manifest-invalid'],
  ['nothing known', { hello: 'world' }, 'manifest-invalid'],
  ['no object', [1], 'manifest-invalid'],
  ['null', null, 'manifest-invalid'],
  ['no config', image({ config: undefined }), 'manifest-invalid'],
  ['no layers', image({ layers: undefined }), 'manifest-invalid'],
  ['another digest algorithm', image({ config: { ...OCI_CONFIG, digest: 'sha512:00' } }), 'manifest-invalid'],
  ['a digest that climbs', image({ config: { ...OCI_CONFIG, digest: 'sha256:../x' } }), 'manifest-invalid'],
  ['a negative size', image({ config: { ...OCI_CONFIG, size: -1 } }), 'manifest-invalid'],
  ['a size with a fraction', image({ config: { ...OCI_CONFIG, size: 1.5 } }), 'manifest-invalid'],
  ['a size beyond exact numbers', image({ config: { ...OCI_CONFIG, size: 2 ** 60 } }), 'manifest-invalid'],
  ['an index of strings', { manifests: ['x'] }, 'manifest-invalid'],
  [
    'an index without end',
    { manifests: Array.from({ length: 100_000 }, () => 0) },
    'manifest-invalid',
    '100000 entries',
  ],
];

function parse(document: unknown): ReturnType<typeof parseManifest> {
  return parseManifest(Buffer.from(JSON.stringify(document)), 'r.example/a:1');
}

describe('core/oci/manifest', () => {
  for (const [what, document, kind, mediaType] of GOOD) {
    it(`reads ${what}`, () => {
      const read = parse(document);
      assert.deepEqual([read.kind, read.mediaType], [kind, mediaType]);
    });
  }

  for (const [mediaType, isSupported] of LAYERS) {
    it(`${isSupported ? 'takes' : 'refuses'} a layer ${JSON.stringify(mediaType)}`, () => {
      const document = image({ layers: [layer(mediaType)] });
      if (isSupported) {
        const read = parse(document);
        assert(read.kind === 'image');
        const isForeign = /nondistributable|foreign/.test(mediaType);
        assert.deepEqual(read.layers, [{ mediaType, digest: DIGEST, sizeBytes: 3, isForeign, urls: [] }]);
        return;
      }
      assert.throws(
        () => parse(document),
        (error) =>
          isFailure(error, 'media-type-unsupported') && error.message.includes(JSON.stringify(mediaType)),
      );
    });
  }

  for (const [what, document, code, named = ''] of BAD) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parse(document),
        (error) =>
          isFailure(error, code) && error.message.includes('r.example/a:1') && error.message.includes(named),
      );
    });
  }

  it('refuses what is no JSON, without quoting it', () => {
    assert.throws(
      () => parseManifest(Buffer.from('<html>secret'), 'r.example/a:1'),
      (error) => isFailure(error, 'manifest-invalid') && !error.message.includes('secret'),
    );
  });

  it('reads where foreign layers lie', () => {
    const mediaType = `${DOCKER}.image.rootfs.foreign.diff.tar.gzip`;
    const urls = ['https://a.example/layer', 'not an address'];
    const read = parse(
      image({
        layers: [
          { ...layer(mediaType), urls },
          { ...layer(mediaType), urls: null },
        ],
      }),
    );
    assert(read.kind === 'image');
    assert.deepEqual(
      read.layers.map((one) => one.urls),
      [urls, []],
    );
  });

  it('reads the platforms of an index', () => {
    const platforms = [
      { os: 'linux', architecture: 'arm', variant: 'v7' },
      { os: 'linux', architecture: 'amd64' },
      null,
      {},
    ];
    const read = parse({
      manifests: platforms.map((platform) => Object.assign(layer(`${OCI}.manifest.v1+json`), { platform })),
    });
    assert(read.kind === 'index');
    assert.deepEqual(
      read.entries.map(({ platform }) => platform),
      [
        { os: 'linux', architecture: 'arm', variant: 'v7' },
        { os: 'linux', architecture: 'amd64', variant: undefined },
        undefined,
        { os: 'unknown', architecture: 'unknown', variant: undefined },
      ],
    );
  });
});
