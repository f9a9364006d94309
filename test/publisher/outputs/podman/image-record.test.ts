import assert from 'node:assert/strict';
import {
  decodeRecord,
  encodeRecord,
  isPodmanName,
  podmanName,
} from '../../../../publisher/outputs/podman/image-record.ts';
import { digestOf, published } from './records.ts';
import { parseReference } from '../../../../core/oci/reference.ts';

const { record } = published('quay.io/lab/tool:1', ['base', 'top'], {
  index: { digest: digestOf('index'), size: 30 },
});

/** Changes to a good record's document that make it a bad one. */
const BAD: readonly (readonly [what: string, change: Record<string, unknown>])[] = [
  ['another format', { format: 2 }],
  ['a name that podman cannot read', { name: 'quay.io/Lab/tool:1' }],
  ['no name', { name: undefined }],
  ['a malformed digest', { config: { digest: 'sha256:abc', size: 1 } }],
  ['a size that is negative', { manifest: { digest: digestOf('x'), size: -1 } }],
  ['a size that is no number', { manifest: { digest: digestOf('x'), size: '1' } }],
  ['a time that is none', { created: 'yesterday' }],
  ['a time that cannot be', { created: '2024-02-30T03:04:05.000Z' }],
  ['a size that no number holds exactly', { manifest: { digest: digestOf('x'), size: 1e16 } }],
  ['a size with a fraction', { manifest: { digest: digestOf('x'), size: 1.5 } }],
  ['a compression that nobody knows', { layers: [{ ...record.layers[0], compression: 'lzma' }] }],
  ['a time with an offset', { created: '2024-01-02T03:04:05+01:00' }],
  ['a layer without diff ID', { layers: [{ digest: digestOf('x'), size: 1 }] }],
  ['no layers', { layers: undefined }],
];

describe('publisher/outputs/podman/image-record: outputs/podman/image-record', () => {
  it('comes back as it was written', () => {
    assert.deepEqual(decodeRecord(encodeRecord(record)), record);
    const { record: without } = published('quay.io/lab/tool:1', ['base', 'top']);
    assert.deepEqual(decodeRecord(encodeRecord(without)), without);
  });

  it('comes back where it is large or has no layers', () => {
    const size = Number.MAX_SAFE_INTEGER;
    const layers = record.layers.map((layer) => ({ ...layer, size, diffSize: 0 }));
    for (const other of [
      { ...record, layers },
      { ...record, layers: [] },
    ])
      assert.deepEqual(decodeRecord(encodeRecord(other)), other);
  });

  it('is the same in another form, and without what nobody knows', () => {
    const document = JSON.parse(encodeRecord(record).toString()) as object;
    const more = { more: [1], ...document };
    for (const text of [JSON.stringify(document, undefined, 2), JSON.stringify(more)])
      assert.deepEqual(decodeRecord(Buffer.from(text)), record);
  });

  it('comes back as it was written for an image that is refused', () => {
    const refused = { config: record.config, refused: 'podman cannot read its config' };
    assert.deepEqual(decodeRecord(encodeRecord(refused)), refused);
  });

  for (const [what, change] of BAD) {
    it(`is none with ${what}`, () => {
      const document = JSON.parse(encodeRecord(record).toString()) as object;
      assert.equal(decodeRecord(Buffer.from(JSON.stringify({ ...document, ...change }))), undefined);
    });
  }

  for (const text of ['', '{', 'null', '[]', '{"format":1}']) {
    it(`is none for ${JSON.stringify(text)}`, () => assert.equal(decodeRecord(Buffer.from(text)), undefined));
  }
});

const DIGEST = `sha256:${'a'.repeat(64)}`;

const NAMES: readonly (readonly [reference: string, name: string])[] = [
  ['docker.io/library/debian:12', 'docker.io/library/debian:12'],
  ['docker.io/library/debian', 'docker.io/library/debian:latest'],
  ['http://localhost:5000/a/b/c_d:V1.0-rc', 'localhost:5000/a/b/c_d:V1.0-rc'],
  [`quay.io/lab/tool@${DIGEST}`, `quay.io/lab/tool@${DIGEST}`],
  [`quay.io/lab/tool:1@${DIGEST}`, `quay.io/lab/tool@${DIGEST}`],
];

const UNREADABLE = [
  '[::1]:5000/lab/tool:1',
  'quay.io/Lab/tool:1',
  'quay.io/lab/tool',
  'quay.io:1',
  'quay.io/lab/tool:.1',
  'quay.io/lab/tool:1@sha256:aa',
  `quay.io/lab/tool:1@${DIGEST}`,
  `quay.io/${'a'.repeat(255)}:1`,
  'quay.io/lab/tool:1\n',
  '',
];

describe('publisher/outputs/podman/image-record: outputs/podman/image-name', () => {
  for (const [reference, name] of NAMES) {
    it(`is ${name} for ${reference}`, () => {
      assert.equal(podmanName(parseReference(reference)), name);
      assert.ok(isPodmanName(name));
    });
  }

  for (const name of UNREADABLE) {
    it(`cannot be ${JSON.stringify(name.slice(0, 60))}`, () => assert.ok(!isPodmanName(name)));
  }
});
