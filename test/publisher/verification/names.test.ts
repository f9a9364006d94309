import assert from 'node:assert/strict';
import { manifestPath } from '../../../publisher/image/layout.ts';
import { namesToVerify } from '../../../publisher/verification/names.ts';
import { MemoryRepository } from '../compose/memory-repository.ts';

const NAME = 'reg.example/team/app:1';
const CONFIG = 'c'.repeat(64);
const MANIFEST = JSON.stringify({ schemaVersion: 2, config: { digest: `sha256:${CONFIG}` }, layers: [] });
const FLAT = `../../.flat/cc/${CONFIG}`;
const OTHER = `../../.flat/dd/${'d'.repeat(64)}`;

describe('publisher/verification/names', () => {
  const manifest = (name: string): [string, 'file', string] => [manifestPath(name), 'file', MANIFEST];
  const link = (name: string, target: string): [string, 'symlink', string] => [name, 'symlink', target];
  const CASES: [what: string, entries: [string, 'file' | 'symlink', string][], names: string[]][] = [
    ['nothing', [], []],
    ['an image', [manifest(NAME), link(NAME, FLAT)], [NAME]],
    ['an image for another platform', [manifest(`.multiarch/arm64/${NAME}`)], [`.multiarch/arm64/${NAME}`]],
    ['an image without a public name', [manifest(NAME)], [NAME]],
    ['a name without a manifest', [link(NAME, OTHER)], [NAME]],
    [
      'the name of another platform without a manifest',
      [link(`.multiarch/arm:v7/${NAME}`, `../../${OTHER}`)],
      [`.multiarch/arm:v7/${NAME}`],
    ],
    ['a record for podman without a manifest', [[`.metadata/${NAME}/podman.json`, 'file', '']], [NAME]],
    [
      'a longer name of linux/amd64',
      [manifest(NAME), link(`.multiarch/amd64/${NAME}`, `../../${OTHER}`)],
      [NAME],
    ],
    [
      'a further name that somebody gave an image',
      [manifest(NAME), link('reg.example/app:best', FLAT)],
      [NAME],
    ],
    ['a link that is no name of an image', [link('team/best', OTHER)], []],
    ['a link to something else', [link(NAME, '../../elsewhere')], []],
    [
      'a link within the podman store',
      [link('.multiarch/arm64/podmanStore/overlay/x', `../../${OTHER}`)],
      [],
    ],
  ];
  for (const [what, entries, names] of CASES) {
    it(`finds ${names.join(', ') || 'no image'} where there is ${what}`, async () => {
      const repository = new MemoryRepository();
      for (const [path, kind, text] of entries) repository.put(path, kind, text);
      // The map has no root of its own.
      const list = repository.list.bind(repository);
      repository.list = async (path) =>
        path === '' ? await list('').then(() => rootOf(entries)) : await list(path);
      assert.deepEqual(await namesToVerify(repository), names);
    });
  }
});

function rootOf(entries: readonly (readonly [string, ...unknown[]])[]) {
  const names = new Set(entries.map(([path]) => path.split('/')[0] ?? ''));
  return [...names].map((name) => ({ name, kind: 'directory' as const }));
}
