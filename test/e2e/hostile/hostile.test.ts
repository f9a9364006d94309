import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { BACKENDS, Site } from '../../support/e2e/site.ts';
import type { Outcome } from '../../support/e2e/unpackd.ts';
import { blobOf } from '../../support/images/blob.ts';
import { image } from '../../support/images/image.ts';
import { file } from '../../support/images/layer-entry.ts';
import { layer, type Layer } from '../../support/images/layer.ts';
import { differences, type Snapshot } from '../../support/trees/snapshot.ts';
import { linesOfTree } from '../../support/trees/tree-lines.ts';
import { bomb } from './hostile-archives.ts';
import type { HostileCase, Target } from './hostile-case.ts';
import { GROUPS } from './hostile-groups.ts';
import { hostOf, makeTarget } from './host.ts';
import { needsRoot } from '../../support/programs.ts';

async function imageOf(layers: HostileCase['layers']) {
  const made: Layer[] = [];
  for (const entries of layers) made.push(await layer(entries));
  return image({ layers: made });
}

for (const kind of BACKENDS) {
  describe(`e2e/hostile/hostile: unpackd convert, backend ${kind}: a hostile image`, () => {
    let registry: TestRegistry;
    let site: Site;
    let target: Target;
    let outcome: Outcome;
    let hostBefore: Snapshot;
    const names = new Map<string, string>();

    const nameOf = (group: string, index: number): string =>
      `${registry.host}/lab/hostile:${group.split(' ')[1] ?? ''}-${index}`;

    beforeAllCases();

    for (const [group, cases] of Object.entries(GROUPS)) {
      describe(`by ${group}`, () => {
        // Only what is asked of each case needs the target: their number and their names do not.
        for (const [index, { what }] of cases({ path: '/target', inImage: 'target' }).entries()) {
          it(what, function () {
            const hostile = cases(target)[index];
            assert.ok(hostile !== undefined);
            if (/device|bits that are no permissions/.test(what)) needsRoot(this);
            check(hostile, nameOf(group, index));
          });
        }
      });
    }

    it('a layer that unpacks to a hundred thousand times its size', () => {
      const name = names.get('bomb') ?? '';
      assert.ok(outcome.stderr.includes(`error[layer-refused] ${name}: `), outcome.stderr);
      assert.equal(existsSync(site.path(name)), false);
    });

    it('keeps no other from being published', () => {
      for (const tag of ['first', 'last']) {
        const root = site.path(`${registry.host}/lab/good:${tag}`);
        assert.ok(outcome.stdout.includes(`published ${registry.host}/lab/good:${tag} `), outcome.stderr);
        assert.ok(linesOfTree(`${root}/`).includes(`etc/release = ${tag}`));
      }
      assert.equal(outcome.status, 1);
    });

    it('changes nothing of the host', async () => {
      assert.deepEqual(differences(await hostOf(site, target), hostBefore), []);
    });

    it('leaves nothing but what is ours at the root of the repository', () => {
      const ours = ['.chains', '.flat', '.layers', '.metadata', '.unpackd', 'podmanStore', registry.host];
      const found = readdirSync(site.published).filter((name) => name !== 'new_repository');
      assert.deepEqual(found.sort(), ours.sort());
      for (const folder of ['.layers', '.flat', '.chains'])
        for (const two of readdirSync(site.path(folder)))
          for (const name of readdirSync(site.path(`${folder}/${two}`))) {
            assert.match(`${two} ${name}`, /^([0-9a-f]{2}) \1[0-9a-f]{62}$/);
            assert.equal(lstatSync(site.path(`${folder}/${two}/${name}`)).isDirectory(), true);
          }
    });

    function beforeAllCases(): void {
      before(async function () {
        registry = await TestRegistry.start();
        site = await Site.make(kind);
        target = await makeTarget();
        const wishes = [registry.add('lab/good', 'first', await imageOf([[file('etc/release', 'first')]]))];
        for (const [group, cases] of Object.entries(GROUPS))
          for (const [index, { layers }] of cases(target).entries()) {
            const [repository = '', tag = ''] = nameOf(group, index)
              .slice(registry.host.length + 1)
              .split(':');
            wishes.push(registry.add(repository, tag, await imageOf(layers)));
          }
        const zeros = await layer([file('zeros')], { compression: 'plain' });
        const bytes = bomb();
        const bombed = {
          ...zeros,
          ...blobOf('application/vnd.oci.image.layer.v1.tar+zstd', bytes),
          compression: 'zstd',
        } as const;
        wishes.push(registry.add('lab/hostile', 'bomb', image({ layers: [bombed] })));
        names.set('bomb', `${registry.host}/lab/hostile:bomb`);
        wishes.push(registry.add('lab/good', 'last', await imageOf([[file('etc/release', 'last')]])));
        mkdirSync(site.root, { recursive: true });
        hostBefore = await hostOf(site, target);
        outcome = await site.convert(wishes, ['--chains']);
      });
      after(async () => {
        await registry.close();
        await site.close();
      });
    }

    function check({ code, has = [], lacks = [], warning }: HostileCase, name: string): void {
      const lines = outcome.stderr.split('\n').filter((line) => line.includes(` ${name}: `));
      if (code !== undefined) {
        assert.equal(
          lines.filter((line) => line.startsWith(`error[${code}] ${name}: `)).length,
          1,
          lines.join('\n') || 'no failure',
        );
        assert.equal(existsSync(site.path(name)), false);
        return;
      }
      assert.ok(outcome.stdout.includes(`published ${name} `), lines.join('\n'));
      const found = linesOfTree(`${site.path(name)}/`);
      for (const line of has)
        assert.ok(found.includes(line), `${JSON.stringify(line)} is missing in ${JSON.stringify(found)}`);
      for (const path of lacks)
        assert.ok(
          !found.some((line) => line.startsWith(`${path} `) || line.startsWith(`${path}/`)),
          `${path} is there`,
        );
      const warnings = lines.filter((line) => line.startsWith(`warning: ${name}: `)).join('\n');
      if (warning === undefined) assert.equal(warnings, '');
      else assert.match(warnings, warning);
    }
  });
}
