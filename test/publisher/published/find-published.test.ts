import assert from 'node:assert/strict';
import { byHandFile, keptForFile } from '../../../publisher/published/name-notes.ts';
import { findPublished } from '../../../publisher/published/find-published.ts';
import { manifestPath, MANIFEST_FILE } from '../../../publisher/image/layout.ts';
import { Failure, isFailure } from '../../../core/failure.ts';
import { formatPlatform } from '../../../core/oci/platform.ts';
import { MemoryRepository } from '../compose/memory-repository.ts';

const NAME = 'reg.example/team/app:1';
const CONFIG = { digest: 'sha256:c', size: 9 };
const LAYERS = [
  { digest: 'sha256:a', size: 5 },
  { digest: 'sha256:b', size: 7 },
];
const MANIFEST = JSON.stringify({ schemaVersion: 2, config: CONFIG, layers: LAYERS });

describe('publisher/published/find-published', () => {
  let repository: MemoryRepository;

  beforeEach(() => {
    repository = new MemoryRepository();
  });

  function publish(name: string, text = MANIFEST): void {
    repository.put(manifestPath(name), 'file', text);
  }

  it('finds nothing in an empty repository', async () => {
    assert.deepEqual(await findPublished(repository), []);
  });

  it('tells what an image is made of, lowest layer first', async () => {
    publish(NAME);
    const [image] = await findPublished(repository);
    assert.deepEqual(image, {
      publicName: NAME,
      platform: { os: 'linux', architecture: 'amd64' },
      config: 'sha256:c',
      layers: [
        { digest: 'sha256:a', sizeBytes: 5 },
        { digest: 'sha256:b', sizeBytes: 7 },
      ],
    });
  });

  it('tells who published it, and for which tag it is kept', async () => {
    const attributes = { mode: 0, uid: 0, gid: 0, mtime: 0 };
    const kept = { name: NAME, since: '2026-01-02T03:04:05.000Z' };
    const digest = 'reg.example/team/app@sha256:d';
    publish(NAME);
    publish(digest);
    for (const { path, content } of [byHandFile(NAME, attributes), keptForFile(digest, kept, attributes)])
      for await (const bytes of content) repository.put(path, 'file', Buffer.from(bytes).toString());
    const found = await findPublished(repository);
    assert.deepEqual(
      found.map(({ publicName, isByHand, keptFor }) => [publicName, isByHand, keptFor]),
      [
        [NAME, true, undefined],
        [digest, undefined, kept],
      ],
    );
    repository.put(`.metadata/${digest}/kept-for`, 'file', '{"format":2}');
    assert.deepEqual((await findPublished(repository)).at(-1)?.keptFor, undefined);
  });

  it('finds all images, at any depth and for each platform', async () => {
    const deep = 'atlas/releases/reg.example:5000/a/b/c/app:1';
    for (const name of [NAME, deep, `.multiarch/arm64/${NAME}`, `.multiarch/arm:v7/${deep}`]) publish(name);
    const found = await findPublished(repository);
    assert.deepEqual(
      found.map(({ publicName, platform }) => `${formatPlatform(platform)} ${publicName}`).sort(),
      [`linux/amd64 ${deep}`, `linux/amd64 ${NAME}`, `linux/arm/v7 ${deep}`, `linux/arm64 ${NAME}`],
    );
  });

  it('finds what DUCC has under names of its own, once', async () => {
    for (const name of [`.multiarch/amd64/${NAME}`, `.multiarch/arm64:v8/${NAME}`]) publish(name);
    const other = 'reg.example/team/other:1';
    for (const folder of ['', '.multiarch/amd64/', '.multiarch/arm64/', '.multiarch/arm64:v8/'])
      publish(`${folder}${other}`, folder.endsWith(':v8/') ? MANIFEST.replace('sha256:c', 'old') : MANIFEST);
    const found = await findPublished(repository);
    assert.deepEqual(
      found
        .map(({ publicName, platform, config }) => `${formatPlatform(platform)} ${publicName} ${config}`)
        .sort(),
      [`linux/amd64 ${NAME}`, `linux/amd64 ${other}`, `linux/arm64 ${NAME}`, `linux/arm64 ${other}`]
        .map((line) => `${line} sha256:c`)
        .sort(),
    );
  });

  const unreadable: [what: string, put: () => void][] = [
    ['is empty', () => publish(NAME, '')],
    ['is no JSON', () => publish(NAME, '{')],
    ['is null', () => publish(NAME, 'null')],
    ['is an index', () => publish(NAME, '{"manifests":[]}')],
    ['has no layers', () => publish(NAME, JSON.stringify({ config: CONFIG }))],
    ['has a layer without size', () => publish(NAME, MANIFEST.replace('"size":5', '"bytes":5'))],
    ['is a directory', () => repository.put(manifestPath(NAME), 'directory')],
    ['is a symbolic link', () => repository.put(manifestPath(NAME), 'symlink', 'elsewhere')],
    ['has another name', () => repository.put(`.metadata/${NAME}/old-${MANIFEST_FILE}`, 'file', MANIFEST)],
    ['lies outside of the metadata', () => repository.put(`${NAME}/${MANIFEST_FILE}`, 'file', MANIFEST)],
  ];
  for (const [what, put] of unreadable) {
    it(`passes over an image whose manifest ${what}, and finds the others`, async () => {
      put();
      publish('reg.example/team/other:1');
      const found = await findPublished(repository);
      assert.deepEqual(
        found.map(({ publicName }) => publicName),
        ['reg.example/team/other:1'],
      );
    });
  }

  it('says so where the repository cannot be read', async () => {
    publish(NAME);
    repository.read = () => Promise.reject(new Failure('repository-unusable', 'test'));
    await assert.rejects(findPublished(repository), (error) => isFailure(error, 'repository-unusable'));
  });
});
