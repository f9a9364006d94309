import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outputPolicy } from '../../../core/outputs.ts';
import { outputsIn } from '../../../publisher/outputs/outputs.ts';
import { DirectoryView } from '../../../publisher/publication/view.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('publisher/outputs/outputs: outputsIn', () => {
  const repositories: readonly (readonly [
    what: string,
    make: (root: string) => Promise<unknown>,
    hasChains: boolean,
  ])[] = [
    ['has none', async () => await Promise.resolve(), false],
    ['had some', async (root) => await mkdir(join(root, '.chains')), false],
    [
      'has nothing but a catalog for them',
      async (root) => {
        await mkdir(join(root, '.chains'));
        await writeFile(join(root, '.chains/.cvmfscatalog'), '');
      },
      false,
    ],
    ['has some', async (root) => await mkdir(join(root, '.chains/ab'), { recursive: true }), true],
    [
      'has a link to a folder in their place',
      async (root) => {
        await mkdir(join(root, 'elsewhere/ab'), { recursive: true });
        await symlink('elsewhere', join(root, '.chains'));
      },
      false,
    ],
  ];
  for (const [what, make, hasChains] of repositories)
    it(`${hasChains ? 'makes' : 'makes no'} chains where nobody says anything, and the repository ${what}`, async () => {
      const root = await temporaryDirectory('repository');
      await make(root);
      const { possible, usual } = await outputsIn(new DirectoryView(root), outputPolicy(undefined));
      assert.deepEqual([possible.has('chains'), usual.has('chains')], [true, hasChains]);
      const named = await outputsIn(new DirectoryView(root), outputPolicy(['layers', 'chains']));
      assert.deepEqual([...named.usual], ['layers', 'chains']);
    });
});
