import assert from 'node:assert/strict';
import {
  serializeIndex,
  lockOf,
  type StoreIndex,
  publishedStore,
} from '../../../../publisher/outputs/podman/store-index.ts';
import { imagesJsonPath, layersJsonPath, lockPath } from '../../../../publisher/outputs/podman/paths.ts';
import { storeOf } from '../../../../publisher/outputs/podman/store.ts';
import { MemoryRepository } from '../../compose/memory-repository.ts';
import { digestOf, layerRecord, published } from './records.ts';

const ROOT = 'podmanStore';

function repositoryWith({ images, layers }: StoreIndex): MemoryRepository {
  const repository = new MemoryRepository();
  for (const [path, bytes] of [
    [imagesJsonPath(ROOT), images],
    [layersJsonPath(ROOT), layers],
  ] as const) {
    repository.put(path, 'file', bytes.toString('latin1'));
    repository.put(lockPath(path), 'file', lockOf(bytes).toString());
  }
  return repository;
}

describe('publisher/outputs/podman/store-index', () => {
  const store = storeOf([
    published('a.io/a:1', ['base', 'top', layerRecord('none', 'x')], {
      index: { digest: digestOf('i'), size: 1 },
    }),
    published('a.io/b:1', ['base', { ...layerRecord('plain'), compression: 'none' }]),
    published('a.io/c:1', [{ ...layerRecord('zstd'), compression: 'zstd' }]),
    published('a.io/empty:1', []),
  ]);

  it('are read as they were written', async () => {
    assert.deepEqual(await publishedStore(repositoryWith(serializeIndex(store)), ROOT), store);
    const none = storeOf([]);
    assert.deepEqual(await publishedStore(repositoryWith(serializeIndex(none)), ROOT), none);
  });

  const book = imagesJsonPath(ROOT);
  const changes: readonly (readonly [what: string, change: (repository: MemoryRepository) => void])[] = [
    ['are not there', (repository) => repository.remove(ROOT)],
    ['are there in part', (repository) => repository.remove(layersJsonPath(ROOT))],
    ['have no lock', (repository) => repository.remove(lockPath(book))],
    ['have an empty lock', (repository) => repository.put(lockPath(book), 'file', '')],
    ['are cut', (repository) => repository.put(book, 'file', (repository.textOf(book) ?? '').slice(0, -3))],
    [
      'have another value',
      (repository) => repository.put(book, 'file', (repository.textOf(book) ?? '').replace('a.io/a:1', 'A')),
    ],
    ['are a directory', (repository) => repository.put(book, 'directory')],
  ];
  for (const [what, change] of changes) {
    it(`do not count where they ${what}`, async () => {
      const repository = repositoryWith(serializeIndex(store));
      change(repository);
      assert.equal(await publishedStore(repository, ROOT), undefined);
    });
  }
});
