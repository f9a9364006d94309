import assert from 'node:assert/strict';
import { LINUX_AMD64 } from '../../../core/oci/platform.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import type { ResolvedImage } from '../../../publisher/image/image.ts';
import type { OutputName, Outputs } from '../../../core/outputs.ts';
import {
  chainIds,
  chainPath,
  flatPath,
  layerRoot,
  manifestPath,
  recordPath,
} from '../../../publisher/image/layout.ts';
import { isLayerRecorded, isRecorded } from '../../../publisher/published/published.ts';
import { publishedState, type PublishedState } from '../../../publisher/outputs/outputs.ts';
import { variantTarget } from '../../../publisher/outputs/public-links.ts';
import { encodeRecord, imageRecordPath } from '../../../publisher/outputs/podman/image-record.ts';
import { hexOf, type Digest } from '../../../core/oci/digest.ts';
import { Failure } from '../../../core/failure.ts';
import { MemoryRepository } from '../compose/memory-repository.ts';

const NAME = 'reg.example/team/app:1';
const BASE: Digest = `sha256:${'1'.repeat(64)}`;
const TOP: Digest = `sha256:${'2'.repeat(64)}`;
const CONFIG: Digest = `sha256:${'3'.repeat(64)}`;

const IMAGE: ResolvedImage = {
  reference: parseReference(NAME),
  outputs: new Set<OutputName>(['layers', 'chains', 'flat']),
  platform: LINUX_AMD64,
  publicName: NAME,
  hasVariantLink: false,
  manifest: {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: BASE,
    config: { mediaType: 'x', digest: CONFIG, sizeBytes: 1 },
    layers: [BASE, TOP].map((digest) => ({
      mediaType: 'x',
      digest,
      sizeBytes: 1,
      isForeign: false,
      urls: [],
    })),
    skipped: [],
    index: undefined,
  },
};
const ALL: Outputs = new Set(['layers', 'chains', 'flat']);
function without(output: OutputName): Outputs {
  return new Set([...ALL].filter((name) => name !== output));
}

const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  config: { mediaType: 'x', digest: CONFIG, size: 1 },
  layers: [],
});

const STORED: Outputs = new Set([...ALL, 'podman']);

function podmanRecord(config: Digest, manifest = IMAGE.manifest.digest): string {
  const document = { digest: config, size: 1 };
  return encodeRecord({
    name: NAME,
    config: document,
    manifest: { digest: manifest, size: 1 },
    created: '2024-01-02T03:04:05Z',
    layers: [],
  }).toString();
}

/** A repository with the image in every form. */
function published(): MemoryRepository {
  const repository = new MemoryRepository();
  repository.put(manifestPath(NAME), 'file', MANIFEST);
  repository.put(NAME, 'symlink', 'x');
  for (const folder of [flatPath(CONFIG), layerRoot(BASE), layerRoot(TOP)])
    repository.put(folder, 'directory');
  for (const chain of chainIds([BASE, TOP]).slice(1)) repository.put(chainPath(chain), 'directory');
  repository.put(imageRecordPath(NAME), 'file', podmanRecord(CONFIG));
  repository.put('podmanStore/overlay-images/images.json', 'file', '[]');
  return repository;
}

describe('publisher/published/published', () => {
  const cases: [
    what: string,
    change: (repository: MemoryRepository) => void,
    outputs: Outputs,
    PublishedState,
  ][] = [
    ['all is there', () => undefined, ALL, 'current'],
    [
      'nothing is there',
      (repository) =>
        ['.metadata', '.layers', '.flat', '.chains', 'reg.example'].forEach((folder) =>
          repository.remove(folder),
        ),
      ALL,
      'absent-or-outdated',
    ],
    [
      'the manifest is missing',
      (repository) => repository.remove(manifestPath(NAME)),
      ALL,
      'absent-or-outdated',
    ],
    [
      'the manifest is a directory',
      (repository) => repository.put(manifestPath(NAME), 'directory'),
      ALL,
      'absent-or-outdated',
    ],
    [
      'the manifest is empty',
      (repository) => repository.put(manifestPath(NAME), 'file', ''),
      ALL,
      'absent-or-outdated',
    ],
    [
      'the manifest is no JSON',
      (repository) => repository.put(manifestPath(NAME), 'file', '{'),
      ALL,
      'absent-or-outdated',
    ],
    [
      'the manifest is another document',
      (repository) => repository.put(manifestPath(NAME), 'file', '{"manifests":[]}'),
      ALL,
      'absent-or-outdated',
    ],
    [
      'the manifest has another config',
      (repository) => repository.put(manifestPath(NAME), 'file', MANIFEST.replace('3333', '4444')),
      ALL,
      'absent-or-outdated',
    ],
    [
      'the manifest is written in another way',
      (repository) => repository.put(manifestPath(NAME), 'file', `\n${MANIFEST} `),
      ALL,
      'current',
    ],
    ['the public name is missing', (repository) => repository.remove(NAME), ALL, 'absent-or-outdated'],
    [
      'the public name is missing, and not asked for',
      (repository) => repository.remove(NAME),
      without('flat'),
      'current',
    ],
    ['the flat tree is missing', (repository) => repository.remove('.flat'), ALL, 'absent-or-outdated'],
    [
      'the flat tree is missing, and not asked for',
      (repository) => repository.remove('.flat'),
      without('flat'),
      'current',
    ],
    ['a layer is missing', (repository) => repository.remove(layerRoot(BASE)), ALL, 'absent-or-outdated'],
    [
      'layers are missing, and not asked for',
      (repository) => repository.remove('.layers'),
      without('layers'),
      'current',
    ],
    ['the chain is missing', (repository) => repository.remove('.chains'), ALL, 'absent-or-outdated'],
    [
      'the chain is missing, and not asked for',
      (repository) => repository.remove('.chains'),
      without('chains'),
      'current',
    ],
    [
      'records are missing: another program published it',
      (repository) => repository.remove('.unpackd'),
      ALL,
      'current',
    ],
    [
      'DUCC 2.14 has put the manifest beside those for other platforms',
      (repository) => {
        repository.remove(manifestPath(NAME));
        repository.put(manifestPath(`.multiarch/amd64/${NAME}`), 'file', MANIFEST);
      },
      ALL,
      'current',
    ],
    [
      'an old manifest of DUCC 2.14 lies beside ours',
      (repository) =>
        repository.put(manifestPath(`.multiarch/amd64/${NAME}`), 'file', MANIFEST.replace('3333', '4444')),
      ALL,
      'current',
    ],
    ['podman can have it', () => undefined, STORED, 'current'],
    [
      'podman can have it, and nobody asks for that',
      (repository) => repository.remove(imageRecordPath(NAME)),
      ALL,
      'current',
    ],
    [
      'the record for podman is missing',
      (repository) => repository.remove(imageRecordPath(NAME)),
      STORED,
      'absent-or-outdated',
    ],
    [
      'the record for podman is no record',
      (repository) => repository.put(imageRecordPath(NAME), 'file', '{}'),
      STORED,
      'absent-or-outdated',
    ],
    [
      'the record for podman is of another image',
      (repository) => repository.put(imageRecordPath(NAME), 'file', podmanRecord(BASE)),
      STORED,
      'absent-or-outdated',
    ],
    [
      'podman knows the config by another manifest alone',
      (repository) => repository.put(imageRecordPath(NAME), 'file', podmanRecord(CONFIG, TOP)),
      STORED,
      'absent-or-outdated',
    ],
    [
      'the podman store is missing',
      (repository) => repository.remove('podmanStore'),
      STORED,
      'absent-or-outdated',
    ],
    [
      'podman cannot have it, as the record says',
      (repository) => {
        repository.remove('podmanStore');
        const record = { config: { digest: CONFIG, size: 1 }, refused: 'x' };
        repository.put(imageRecordPath(NAME), 'file', encodeRecord(record).toString());
      },
      STORED,
      'current',
    ],
    [
      'nothing is asked for but the name',
      (repository) => ['.layers', '.flat', '.chains'].forEach((folder) => repository.remove(folder)),
      new Set<OutputName>([]),
      'current',
    ],
  ];
  for (const [what, change, outputs, state] of cases) {
    it(`is ${state} where ${what}`, async () => {
      const repository = published();
      change(repository);
      assert.equal(await publishedState(repository, { ...IMAGE, outputs }), state);
    });
  }

  it('is current with a variant link only where that is wanted', async () => {
    const repository = published();
    const wanted = { ...IMAGE, hasVariantLink: true };
    assert.equal(await publishedState(repository, wanted), 'absent-or-outdated');
    repository.put(NAME, 'symlink', variantTarget(NAME));
    assert.equal(await publishedState(repository, wanted), 'absent-or-outdated');
    repository.put(`.multiarch/amd64/${NAME}`, 'symlink', 'x');
    assert.equal(await publishedState(repository, wanted), 'current');
    assert.equal(await publishedState(repository, IMAGE), 'absent-or-outdated');
    const outputs = without('flat');
    assert.equal(await publishedState(repository, { ...IMAGE, outputs }), 'current');
  });

  it('is current without layers where its flat tree is there', async () => {
    const repository = published();
    for (const folder of ['.layers', '.chains']) repository.remove(folder);
    const image = { ...IMAGE, manifest: { ...IMAGE.manifest, layers: [] } };
    assert.equal(await publishedState(repository, image), 'current');
  });

  it('is not known where the repository cannot be read', async () => {
    const repository = published();
    repository.kindOf = () => Promise.reject(new Failure('repository-unusable', 'test'));
    await assert.rejects(publishedState(repository, IMAGE), { code: 'repository-unusable' });
  });

  describe('by this program', () => {
    const hex = hexOf(BASE);
    const states: [
      what: string,
      record: 'file' | 'directory' | 'symlink' | undefined,
      root: 'directory' | 'file' | undefined,
      boolean,
    ][] = [
      ['record and tree', 'file', 'directory', true],
      ['no record', undefined, 'directory', false],
      ['no tree', 'file', undefined, false],
      ['a record that is no file', 'directory', 'directory', false],
      ['a record that is a symbolic link', 'symlink', 'directory', false],
      ['a tree that is no directory', 'file', 'file', false],
      ['neither', undefined, undefined, false],
    ];
    for (const [what, record, root, expected] of states) {
      it(`${what}: ${expected}`, async () => {
        const repository = new MemoryRepository();
        if (record !== undefined) repository.put(recordPath('layers', hex), record);
        if (root !== undefined) repository.put(layerRoot(BASE), root);
        assert.equal(await isLayerRecorded(repository, BASE), expected);
      });
    }

    it('keeps the records of each kind of tree apart', async () => {
      const repository = new MemoryRepository();
      repository.put(recordPath('layers', hex), 'file');
      repository.put(flatPath(BASE), 'directory');
      assert.equal(await isRecorded(repository, { kind: 'flat', hex, root: flatPath(BASE) }), false);
      repository.put(recordPath('flat', hex), 'file');
      assert.equal(await isRecorded(repository, { kind: 'flat', hex, root: flatPath(BASE) }), true);
    });
  });
});
