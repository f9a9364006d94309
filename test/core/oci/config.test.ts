import { strict as assert } from 'node:assert';
import { parseConfig, type ImageConfig } from '../../../core/oci/config.ts';
import { isFailure } from '../../../core/failure.ts';

const DIFF_ID = `sha256:${'a'.repeat(64)}` as const;
const EMPTY: Omit<ImageConfig, 'bytes'> = {
  architecture: 'amd64',
  os: 'linux',
  variant: undefined,
  created: undefined,
  diffIds: [DIFF_ID],
  entrypoint: undefined,
  cmd: undefined,
  env: [],
  labels: {},
  workingDirectory: '',
  user: '',
};

function document(changes: Readonly<Record<string, unknown>>): object {
  return { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [DIFF_ID] }, ...changes };
}

const NULLS = { Entrypoint: null, Cmd: null, Env: null, Labels: null, WorkingDir: null, User: null };

const GOOD: readonly (readonly [
  what: string,
  changes: Readonly<Record<string, unknown>>,
  expected: Partial<ImageConfig>,
])[] = [
  ['the least that is allowed', {}, {}],
  ['null for the execution parameters', { config: null, created: null }, {}],
  ['null in the execution parameters', { config: NULLS }, {}],
  [
    'everything',
    {
      created: '2024-01-02T03:04:05.6Z',
      config: {
        Entrypoint: ['/a', 'b c'],
        Cmd: [],
        Env: ['PATH=/bin', 'X='],
        Labels: { a: 'b', c: null },
        WorkingDir: '/w',
        User: '1:2',
        Volumes: { '/v': {} },
      },
    },
    {
      created: '2024-01-02T03:04:05.6Z',
      entrypoint: ['/a', 'b c'],
      cmd: [],
      env: ['PATH=/bin', 'X='],
      labels: { a: 'b', c: '' },
      workingDirectory: '/w',
      user: '1:2',
    },
  ],
  [
    'commands of old tools',
    { config: { Entrypoint: '/run me', Cmd: '' } },
    { entrypoint: ['/run me'], cmd: [] },
  ],
  ['no architecture and no os', { architecture: undefined, os: undefined }, { architecture: '', os: '' }],
  ['null for them', { architecture: null, os: null }, { architecture: '', os: '' }],
  ['another platform', { architecture: 'arm64', os: 'windows' }, { architecture: 'arm64', os: 'windows' }],
];

const BAD: readonly (readonly [what: string, document: unknown])[] = [
  ['too few diff IDs', document({ rootfs: { diff_ids: [] } })],
  ['null for the diff IDs', document({ rootfs: { diff_ids: null } })],
  ['too many diff IDs', document({ rootfs: { diff_ids: [DIFF_ID, DIFF_ID] } })],
  ['a diff ID that is no digest', document({ rootfs: { diff_ids: ['sha256:abc'] } })],
  ['no rootfs', document({ rootfs: undefined })],
  ['an architecture that is a number', document({ architecture: 386 })],
  ['an environment that is no list', document({ config: { Env: { A: 'b' } } })],
  ['a label that is a number', document({ config: { Labels: { a: 1 } } })],
  ['no object', 'text'],
];

describe('core/oci/config', () => {
  for (const [what, changes, expected] of GOOD) {
    it(`reads ${what}`, () => {
      const bytes = Buffer.from(JSON.stringify(document(changes)));
      assert.deepEqual(parseConfig(bytes, 1, 'r.example/a:1'), { bytes, ...EMPTY, ...expected });
    });
  }

  for (const [what, bad] of BAD) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parseConfig(Buffer.from(JSON.stringify(bad)), 1, 'r.example/a:1'),
        (error) => isFailure(error, 'manifest-invalid') && error.message.includes('r.example/a:1'),
      );
    });
  }

  it('reads an image without layers', () => {
    const bytes = Buffer.from(JSON.stringify(document({ rootfs: { diff_ids: null } })));
    assert.deepEqual(parseConfig(bytes, 0, 'r.example/a:1').diffIds, []);
  });
});
