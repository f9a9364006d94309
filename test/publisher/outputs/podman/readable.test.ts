import assert from 'node:assert/strict';
import { unreadableConfig, unreadableManifest } from '../../../../publisher/outputs/podman/readable.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const CONFIG = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [DIGEST] } };
const DESCRIPTOR = { mediaType: 'x', digest: DIGEST, size: 1 };
const MANIFEST = { schemaVersion: 2, config: DESCRIPTOR, layers: [DESCRIPTOR] };

const GOOD_CONFIGS: readonly (readonly [what: string, more: object])[] = [
  ['the least', {}],
  ['null everywhere', { config: null, history: null, created: null, author: null, config_: null }],
  [
    'everything that docker writes',
    {
      created: '2024-01-02T03:04:05.123456789Z',
      config: {
        Hostname: '',
        AttachStdin: false,
        ExposedPorts: { '80/tcp': {} },
        Env: ['A=b'],
        Cmd: null,
        Volumes: { '/data': {} },
        Labels: { a: 'b' },
        Healthcheck: { Test: ['CMD', 'x'], Interval: 30_000_000_000 },
        StopTimeout: 10,
      },
      container_config: { Cmd: ['/bin/sh'] },
      history: [{ created: '2024-01-02T03:04:05+01:00', created_by: 'x', empty_layer: true }],
    },
  ],
  ['keys that nobody knows', { 'moby.buildkit.buildinfo.v1': { a: [1, { b: 'c' }] } }],
  ['strings with braces, colons and numbers', { comment: '{"a": 1.5, "b": "x\\"y": 2}', author: '\\\\' }],
];

const BAD_CONFIGS: readonly (readonly [text: string, reason: RegExp])[] = [
  [json({ config: { Labels: { a: 1 } } }), /^config\.Labels\.a is no string$/],
  [json({ config: { Env: 'A=b' } }), /^config\.Env is no list$/],
  [json({ config: { Env: [1] } }), /^config\.Env\[0\] is no string$/],
  [json({ config: { ENV: 'A=b' } }), /^config\.ENV is no list$/],
  [json({ config: { Cmd: 'sh' } }), /^config\.Cmd is no list$/],
  [json({ config: { 'volume\u017f': { '/': 1 } } }), /is no object$/],
  [json({ config: { ExposedPorts: { '80': 1 } } }), /is no object$/],
  [json({ config: [] }), /^config is no object$/],
  [json({ created: 'yesterday' }), /^created is no time$/],
  [json({ created: '2024-13-02T03:04:05Z' }), /^created is no time$/],
  [json({ created: '2024-01-02 03:04:05Z' }), /^created is no time$/],
  [json({ history: [{ empty_layer: 'no' }] }), /^history\[0\]\.empty_layer is no boolean$/],
  [json({ architecture: ['amd64'] }), /^architecture is no string$/],
  [json({ 'os.features': 'x' }), /^os\.features is no list$/],
  [json({}).replace('}', ',"x":1.0}').replace('{', '{"size":1,'), /no integer/],
  [json({ x: 1 }).replace('"x":1', '"x":1e3'), /no integer/],
  [json({ x: 1 }).replace('"x":1', '"os":5,"os":"linux"'), /comes twice/],
  [json({ x: 1 }).replace('"x":1', `"x":${'['.repeat(200)}${']'.repeat(200)}`), /deeper than 100/],
];

const BAD_MANIFESTS: readonly (readonly [more: object, reason: RegExp])[] = [
  [{ annotations: { a: 1 } }, /^annotations\.a is no string$/],
  [{ layers: [{ ...DESCRIPTOR, annotations: [] }] }, /^layers\[0\]\.annotations is no object$/],
  [{ layers: [{ ...DESCRIPTOR, urls: 'x' }] }, /^layers\[0\]\.urls is no list$/],
  [{ config: { ...DESCRIPTOR, data: 1 } }, /^config\.data is no string$/],
  [{ schemaVersion: '2' }, /^schemaVersion is no integer$/],
];

function json(more: object): string {
  return JSON.stringify({ ...CONFIG, ...more });
}

describe('publisher/outputs/podman/readable', () => {
  for (const [what, more] of GOOD_CONFIGS) {
    it(`can be a config with ${what}`, () => {
      assert.equal(unreadableConfig(Buffer.from(json(more))), undefined);
    });
  }

  for (const [text, reason] of BAD_CONFIGS) {
    it(`is no config: ${reason.source}: ${text.slice(0, 80)}`, () => {
      assert.match(unreadableConfig(Buffer.from(text)) ?? '', reason);
    });
  }

  it('can be a manifest and an index with annotations', () => {
    const annotations = { a: 'b' };
    const platform = { architecture: 'arm', os: 'linux', variant: 'v7' };
    const manifest = { ...MANIFEST, annotations, layers: [{ ...DESCRIPTOR, annotations }] };
    assert.equal(unreadableManifest(Buffer.from(JSON.stringify(manifest))), undefined);
    const index = { schemaVersion: 2, manifests: [{ ...DESCRIPTOR, platform, annotations }] };
    assert.equal(unreadableManifest(Buffer.from(JSON.stringify(index, undefined, 2))), undefined);
  });

  for (const [more, reason] of BAD_MANIFESTS) {
    it(`is no manifest: ${reason.source}`, () => {
      assert.match(unreadableManifest(Buffer.from(JSON.stringify({ ...MANIFEST, ...more }))) ?? '', reason);
    });
  }
});
