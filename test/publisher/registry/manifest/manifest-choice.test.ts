import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../../publisher/registry/client.ts';
import type { FailureCode } from '../../../../core/failure.ts';
import type { Platform } from '../../../../core/oci/platform.ts';
import { FaultServer } from '../../../support/registry/fault-server.ts';
import {
  OCI_INDEX_TYPE,
  OCI_MANIFEST_TYPE,
  buildImage,
  buildIndex,
  describeBlob,
  indexEntry,
  plainLayer,
} from '../../../support/registry/image.ts';
import { failureOf, quickClient } from '../../../support/registry/quick-client.ts';

const DOCKER_LIST_TYPE = 'application/vnd.docker.distribution.manifest.list.v2+json';
const DOCKER_MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json';
const SCHEMA_1_TYPE = 'application/vnd.docker.distribution.manifest.v1+prettyjws';

/**
 * What a test's reference leads to: an image by the platform of its config, `PLATFORM=CONFIG` where its entry says
 * otherwise (`-=CONFIG` where it says nothing), something else, or an index of these.
 */
type Node = string | Other | Index;

interface Other {
  readonly bytes: Buffer;
  readonly mediaType?: string;
  readonly platform?: string;
}

interface Index {
  readonly entries: readonly Node[];
  readonly platform?: string;
}

function platformOf(text: string): Platform {
  const [os = '', architecture = '', variant] = text.split('/');
  return { os, architecture, variant };
}

function imageFor(platform: string): ReturnType<typeof buildImage> {
  return buildImage({ layers: [plainLayer(Buffer.from(platform))], config: { ...platformOf(platform) } });
}

/** An artifact of such a type. */
function artifact(type: string, platform?: string): Other {
  const config = Buffer.from('{}');
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST_TYPE,
    artifactType: type,
    config: describeBlob('application/vnd.oci.empty.v1+json', config),
    layers: [],
  };
  return { bytes: Buffer.from(JSON.stringify(manifest)), ...(platform !== undefined && { platform }) };
}

function nested(depth: number, innermost: Node): Index {
  let index: Index = { entries: [innermost] };
  for (let level = 1; level < depth; level += 1) index = { entries: [index] };
  return index;
}

const SIGNATURE = artifact('application/vnd.dev.sigstore.bundle.v0.3+json');
const ATTESTATION = artifact('application/vnd.in-toto+json', 'unknown/unknown');
const SCHEMA_1: Other = { bytes: Buffer.from('{"schemaVersion":1}'), mediaType: SCHEMA_1_TYPE };
const MANY = Array.from({ length: 20 }, (_, place) => `-=linux/other${place}`);

/** `asked` counts the manifests that are read after the first; `chosen` is the platform of the config. */
interface Case {
  readonly what: string;
  readonly root: Node;
  readonly wanted: string;
  readonly chosen?: string;
  readonly code?: FailureCode;
  readonly asked: number;
}

const CASES: readonly Case[] = [
  {
    what: 'an index in an index',
    root: nested(2, 'linux/amd64'),
    wanted: 'linux/amd64',
    chosen: 'linux/amd64',
    asked: 2,
  },
  {
    what: 'four indexes in each other',
    root: nested(4, 'linux/amd64'),
    wanted: 'linux/amd64',
    chosen: 'linux/amd64',
    asked: 4,
  },
  {
    what: 'five indexes in each other',
    root: nested(5, 'linux/amd64'),
    wanted: 'linux/amd64',
    code: 'manifest-invalid',
    asked: 4,
  },
  {
    what: 'a nested index for the platform',
    root: {
      entries: [
        { entries: ['linux/arm64'], platform: 'linux/arm64' },
        { entries: ['linux/amd64'], platform: 'linux/amd64' },
      ],
    },
    wanted: 'linux/amd64',
    chosen: 'linux/amd64',
    asked: 2,
  },
  {
    what: 'a nested index for another platform, which holds ours all the same',
    root: { entries: [{ entries: ['linux/amd64'], platform: 'linux/arm64' }] },
    wanted: 'linux/amd64',
    code: 'platform-missing',
    asked: 0,
  },
  {
    what: 'a nested index before a manifest that is stated',
    root: { entries: [{ entries: ['linux/amd64'] }, 'linux/amd64=linux/s390x'] },
    wanted: 'linux/amd64',
    chosen: 'linux/s390x',
    asked: 1,
  },
  {
    what: 'the second of two nested indexes',
    root: { entries: [{ entries: ['linux/arm64'] }, { entries: ['linux/amd64'] }] },
    wanted: 'linux/amd64',
    chosen: 'linux/amd64',
    asked: 3,
  },
  {
    what: 'an empty index',
    root: { entries: [] },
    wanted: 'linux/amd64',
    code: 'platform-missing',
    asked: 0,
  },
  {
    what: 'entries without platform: their configs decide',
    root: { entries: ['-=linux/arm64', '-=linux/amd64'] },
    wanted: 'linux/amd64',
    chosen: 'linux/amd64',
    asked: 2,
  },
  {
    what: 'entries without platform, none of which is ours',
    root: { entries: ['-=linux/arm64', '-=windows/amd64'] },
    wanted: 'linux/amd64',
    code: 'platform-missing',
    asked: 2,
  },
  {
    what: 'entries without platform, whose configs may have none either',
    root: { entries: ['-=/', '-=linux/amd64'] },
    wanted: 'linux/amd64',
    chosen: 'linux/amd64',
    asked: 2,
  },
  {
    what: 'an entry without platform, and a config without one',
    root: { entries: ['-=/'] },
    wanted: 'linux/amd64',
    code: 'platform-missing',
    asked: 1,
  },
  {
    what: 'a platform that only the entry states',
    root: { entries: ['linux/amd64=/'] },
    wanted: 'linux/amd64',
    chosen: '/',
    asked: 1,
  },
  {
    what: 'entries without platform beside one that is stated',
    root: { entries: ['-=linux/amd64', 'linux/amd64=linux/s390x'] },
    wanted: 'linux/amd64',
    chosen: 'linux/s390x',
    asked: 1,
  },
  {
    what: 'artifacts in between',
    root: {
      entries: [SIGNATURE, SCHEMA_1, { bytes: Buffer.from('?'), mediaType: 'text/plain' }, '-=linux/amd64'],
    },
    wanted: 'linux/amd64',
    chosen: 'linux/amd64',
    asked: 2,
  },
  {
    what: 'artifacts alone',
    root: { entries: [SIGNATURE, SIGNATURE] },
    wanted: 'linux/amd64',
    code: 'media-type-unsupported',
    asked: 1,
  },
  {
    what: 'an attestation before the image',
    root: { entries: [ATTESTATION, 'linux/amd64'] },
    wanted: 'linux/amd64',
    chosen: 'linux/amd64',
    asked: 1,
  },
  {
    what: 'an artifact in place of the image',
    root: { entries: [{ ...SIGNATURE, platform: 'linux/amd64' }] },
    wanted: 'linux/amd64',
    code: 'media-type-unsupported',
    asked: 1,
  },
  {
    what: 'twenty entries that do not say what they are for',
    root: { entries: [...MANY.slice(1), '-=linux/amd64'] },
    wanted: 'linux/amd64',
    chosen: 'linux/amd64',
    asked: 20,
  },
  {
    what: 'more than twenty of them',
    root: { entries: [...MANY, '-=linux/amd64'] },
    wanted: 'linux/amd64',
    code: 'manifest-invalid',
    asked: 20,
  },
  {
    what: 'more than twenty of them in nested indexes',
    root: { entries: [{ entries: MANY.slice(10) }, { entries: MANY.slice(0, 10) }] },
    wanted: 'linux/amd64',
    code: 'manifest-invalid',
    asked: 20,
  },
  {
    what: 'more than twenty of them beside one that is stated',
    root: { entries: [...MANY, ...MANY, 'linux/amd64'] },
    wanted: 'linux/amd64',
    chosen: 'linux/amd64',
    asked: 1,
  },
  {
    what: 'the better one in another nested index',
    root: { entries: [{ entries: ['linux/arm/v7'] }, { entries: ['linux/arm'] }] },
    wanted: 'linux/arm',
    chosen: 'linux/arm',
    asked: 4,
  },
  {
    what: 'variants alone where none is asked for',
    root: { entries: ['-=linux/arm/v7', '-=linux/arm/v6', '-=linux/arm64'] },
    wanted: 'linux/arm',
    chosen: 'linux/arm/v7',
    asked: 3,
  },
  ...(
    [
      ['linux/arm/v6 linux/arm/v7', 'linux/arm/v7', 'linux/arm/v7'],
      ['linux/arm/v7 linux/arm/v6', 'linux/arm/v6', 'linux/arm/v6'],
      ['linux/arm/v6 linux/arm64', 'linux/arm/v7', undefined],
      ['linux/arm64/v8', 'linux/arm64', 'linux/arm64/v8'],
      ['linux/amd64 linux/arm64', 'linux/arm64/v8', 'linux/arm64'],
      ['linux/amd64/v3 linux/amd64/v1', 'linux/amd64', 'linux/amd64/v1'],
      ['linux/amd64 linux/amd64/v3', 'linux/amd64/v3', 'linux/amd64/v3'],
      ['linux/amd64', 'linux/amd64/v3', undefined],
      ['linux/x86_64', 'linux/amd64', 'linux/x86_64'],
      ['linux/aarch64', 'linux/arm64', 'linux/aarch64'],
      ['windows/amd64', 'linux/amd64', undefined],
    ] as const
  ).flatMap(([platforms, wanted, chosen]): Case[] => {
    const names = platforms.split(' ');
    const end = chosen === undefined ? ({ code: 'platform-missing' } as const) : { chosen };
    const looked = chosen === undefined ? names.length : names.indexOf(chosen) + 1;
    return [
      {
        what: `an index for ${platforms}`,
        root: { entries: names },
        wanted,
        asked: chosen === undefined ? 0 : 1,
        ...end,
      },
      {
        what: `configs for ${platforms}`,
        root: { entries: names.map((name) => `-=${name}`) },
        wanted,
        asked: looked,
        ...end,
      },
    ];
  }),
];

describe('publisher/registry/manifest/manifest-choice', () => {
  let server: FaultServer;
  let client: RegistryClient;

  beforeEach(async () => {
    server = await FaultServer.start();
    client = quickClient();
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  /** Makes the server hold a node, and gives the entry for it. */
  function entryOf(node: Node): object {
    if (typeof node === 'string') {
      const [stated, actual = stated] = node.split('=');
      const image = imageFor(actual ?? '');
      server.addImage('lab/tool', image.manifestDigest, image);
      return indexEntry(image.manifest, stated === '-' ? undefined : stated);
    }
    const bytes = 'entries' in node ? buildIndex(node.entries.map(entryOf)) : node.bytes;
    server.addManifest('lab/tool', 'any', bytes);
    const mediaType = 'entries' in node ? OCI_INDEX_TYPE : node.mediaType;
    return indexEntry(bytes, node.platform, mediaType);
  }

  /** Makes the tag `1` lead to an index of such entries. */
  function addIndex(entries: readonly Node[]): void {
    server.addManifest('lab/tool', '1', buildIndex(entries.map(entryOf)));
  }

  function countManifests(): number {
    return server.paths.filter((path) => path.includes('/manifests/')).length;
  }

  for (const { what, root, wanted, chosen, code, asked } of CASES) {
    it(`${what}: ${chosen ?? code} for ${wanted} after ${asked} more`, async () => {
      assert(typeof root === 'object' && 'entries' in root);
      addIndex(root.entries);
      const reference = server.reference('lab/tool', { tag: '1' });
      const fetching = client.fetchManifest(reference, platformOf(wanted));
      if (chosen === undefined) assert.equal((await failureOf(fetching)).code, code);
      else assert.equal((await fetching).digest, imageFor(chosen).manifestDigest);
      assert.equal(countManifests(), 1 + asked);
    });
  }

  it('says what there is where the platform is missing', async () => {
    addIndex([ATTESTATION, 'linux/arm64', 'linux/arm/v7', 'linux/arm64', 'windows/amd64', '-=linux/riscv64']);
    const failure = await failureOf(client.fetchManifest(server.reference('lab/tool', { tag: '1' })));
    assert.equal(failure.code, 'platform-missing');
    for (const name of ['linux/arm64', 'linux/arm/v7', 'windows/amd64', 'one without platform'])
      assert.equal(failure.message.split(name).length, 2, failure.message);
    assert(!failure.message.includes('unknown'), failure.message);
  });

  it('does not say more than twenty, and nothing that would act on a terminal', async () => {
    addIndex(['linux/\u001b[31m', ...Array.from({ length: 30 }, (_, place) => `linux/other${place}x`)]);
    const { message } = await failureOf(client.fetchManifest(server.reference('lab/tool', { tag: '1' })));
    assert(!message.includes('\u001b'), message);
    assert(message.includes('linux/other18x') && !message.includes('linux/other19x'), message);
  });

  it('reads a Docker manifest list', async () => {
    const image = imageFor('linux/arm64');
    const manifest = Buffer.from(
      image.manifest
        .toString()
        .replace(OCI_MANIFEST_TYPE, DOCKER_MANIFEST_TYPE)
        .replace(
          /application\/vnd\.oci\.image\.config\.v1\+json/,
          'application/vnd.docker.container.image.v1+json',
        ),
    );
    const digest = server.addManifest('lab/tool', 'arm64', manifest);
    const entries = [entryOf('linux/amd64'), indexEntry(manifest, 'linux/arm64/v8', DOCKER_MANIFEST_TYPE)];
    server.addManifest('lab/tool', '1', buildIndex(entries, { mediaType: DOCKER_LIST_TYPE }));
    const read = await client.fetchManifest(
      server.reference('lab/tool', { tag: '1' }),
      platformOf('linux/arm64'),
    );
    assert.deepEqual([read.digest, read.mediaType], [digest, DOCKER_MANIFEST_TYPE]);
  });

  describe('for several platforms', () => {
    async function fetchManifests(
      platforms: string,
    ): Promise<[digests: (string | undefined)[], available: readonly string[]]> {
      const reference = server.reference('lab/tool', { tag: '1' });
      const { manifests, available } = await client.fetchManifests(
        reference,
        platforms.split(' ').map(platformOf),
      );
      return [manifests.map((manifest) => manifest?.digest), available];
    }

    function digests(...platforms: (string | undefined)[]): (string | undefined)[] {
      return platforms.map((platform) =>
        platform === undefined ? undefined : imageFor(platform).manifestDigest,
      );
    }

    it('gives one for each, in their order', async () => {
      addIndex(['linux/amd64', 'linux/arm64', 'linux/arm/v7']);
      assert.deepEqual(await fetchManifests('linux/arm/v7 linux/amd64'), [
        digests('linux/arm/v7', 'linux/amd64'),
        [],
      ]);
    });

    it('gives the same one for several, and reads it once', async () => {
      addIndex(['linux/arm64']);
      assert.deepEqual(await fetchManifests('linux/arm64 linux/arm64/v8 linux/aarch64'), [
        digests('linux/arm64', 'linux/arm64', 'linux/arm64'),
        [],
      ]);
      assert.equal(countManifests(), 2);
    });

    it('says which are missing, and what there is', async () => {
      addIndex(['linux/amd64', 'linux/arm64', ATTESTATION]);
      assert.deepEqual(await fetchManifests('linux/s390x linux/amd64'), [
        digests(undefined, 'linux/amd64'),
        ['linux/amd64', 'linux/arm64'],
      ]);
    });

    const ALONE: readonly (readonly [actual: string, wanted: string, is: readonly boolean[]])[] = [
      ['linux/amd64', 'linux/amd64 linux/arm64', [true, false]],
      ['linux/arm64', 'linux/amd64 linux/arm64', [false, true]],
      ['linux/arm64/v8', 'linux/arm64 linux/arm64/v8', [true, true]],
      ['linux/arm/v7', 'linux/arm/v6 linux/arm/v7 linux/arm', [false, true, true]],
      ['linux/amd64/v3', 'linux/amd64/v2 linux/amd64/v3', [false, true]],
      ['linux/x86_64', 'linux/amd64', [true]],
      ['windows/amd64', 'linux/amd64', [false]],
    ];

    for (const [actual, wanted, is] of ALONE) {
      it(`takes a manifest alone for what its config says: ${actual} for ${wanted}`, async () => {
        server.addImage('lab/tool', '1', imageFor(actual));
        assert.deepEqual(await fetchManifests(wanted), [
          digests(...is.map((isFor) => (isFor ? actual : undefined))),
          is.every(Boolean) ? [] : [actual],
        ]);
        assert.equal(server.seen.length, 2);
      });
    }

    it('checks the config that decides', async () => {
      const image = imageFor('linux/amd64');
      server.addImage('lab/tool', '1', image);
      server.blobs.set(image.configDigest, Buffer.from('{}'));
      const reference = server.reference('lab/tool', { tag: '1' });
      const failure = await failureOf(client.fetchManifests(reference, [platformOf('linux/amd64')]));
      assert.equal(failure.code, 'digest-mismatch');
    });
  });

  it('takes a manifest alone for any platform where one is asked for, without its config', async () => {
    server.addImage('lab/tool', '1', imageFor('linux/arm64'));
    const { digest } = await client.fetchManifest(server.reference('lab/tool', { tag: '1' }));
    assert.equal(digest, imageFor('linux/arm64').manifestDigest);
    assert.equal(server.seen.length, 1);
  });
});
