import assert from 'node:assert/strict';
import { z } from 'zod';
import { textOf } from './project.ts';

const Lock = z.object({
  lockfileVersion: z.literal(3),
  packages: z.record(
    z.string(),
    z.object({
      version: z.string(),
      integrity: z.string().optional(),
      resolved: z.string().optional(),
      link: z.boolean().optional(),
      hasInstallScript: z.boolean().optional(),
    }),
  ),
});

const Manifest = z.object({
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
  allowScripts: z.record(z.string(), z.boolean()),
});

describe('docs/packages', () => {
  const manifest = Manifest.parse(JSON.parse(textOf('package.json')));
  const entries = entriesOf('package-lock.json');
  const packaging = entriesOf('systemd/package/package-lock.json');

  it('are each pinned by the SHA-512 of their bytes, and come from a registry', () => {
    assert.ok(entries.length > 100);
    assert.equal(packaging.length, 2);
    for (const [path, { integrity, resolved, link }] of [...entries, ...packaging]) {
      assert.match(integrity ?? '', /^sha512-[A-Za-z0-9+/]{86}==$/, path);
      assert.equal(link, undefined, path);
      if (resolved !== undefined) assert.match(resolved, /^https:\/\/registry\.npmjs\.org\//, path);
    }
    for (const range of Object.values({ ...manifest.dependencies, ...manifest.devDependencies }))
      assert.match(range, /^[\^~]?\d+\.\d+\.\d+$/);
  });

  it('run no scripts but that of sqlite3, with any npm', () => {
    assert.match(textOf('.npmrc'), /^ignore-scripts=true$/m);
    assert.deepEqual(manifest.allowScripts, { sqlite3: true });
    const rebuilt = /words = \['rebuild', '--ignore-scripts=false', .*'(\w+)'\];/.exec(
      textOf('.ci/native.mjs'),
    );
    assert.equal(rebuilt?.[1], 'sqlite3');
    // Look at what another one wants first. esbuild and koffi bring what they need in packages of their own.
    const wanting = [...entries, ...packaging].flatMap(([path, { hasInstallScript }]) =>
      hasInstallScript === true ? [path] : [],
    );
    assert.deepEqual(wanting, ['node_modules/esbuild', 'node_modules/koffi', 'node_modules/sqlite3']);
  });
});

function entriesOf(lock: string): [string, z.infer<typeof Lock>['packages'][string]][] {
  const { packages } = Lock.parse(JSON.parse(textOf(lock)));
  return Object.entries(packages).filter(([path]) => path !== '');
}
