import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfiguration } from '../../daemon/configuration/configuration.ts';
import { OPTIONS, type Configuration, type Option } from '../../daemon/configuration/options.ts';
import { LINUX_AMD64 } from '../../core/oci/platform.ts';
import { RECIPE_KEYS } from '../../wishlist/recipe/recipe-reader.ts';
import { readRecipe } from '../../wishlist/recipe/recipe.ts';
import { WISH_KEYS } from '../../wishlist/recipe/wish.ts';
import { PROJECT, textOf } from '../docs/project.ts';
import { temporaryDirectory } from '../support/setup.ts';

const TABLE: readonly Option[] = Object.values(OPTIONS);
const EXAMPLE = join(PROJECT, 'examples/unpackd.yaml');

describe('examples/files: examples/recipe.yaml', () => {
  it('is a recipe without a mistake', async () => {
    const { wishes, problems } = await readRecipe(join(PROJECT, 'examples/recipe.yaml'));
    assert.deepEqual([wishes.length, problems], [3, []]);
  });
});

describe('examples/files: examples/recipe-v2.yaml', () => {
  it('is a recipe without a mistake that has every key', async () => {
    const { wishes, problems } = await readRecipe(join(PROJECT, 'examples/recipe-v2.yaml'));
    assert.deepEqual([wishes.length, problems], [5, []]);
    const text = textOf('examples/recipe-v2.yaml');
    const keys = [...text.matchAll(/^ *(?:- )?([a-z_]+):/gm)].map((match) => match[1] ?? '');
    const known = [...RECIPE_KEYS[2], ...WISH_KEYS[2]].filter((key) => !LEFT_OUT.has(key));
    assert.deepEqual([...new Set(keys)].sort(), [...new Set(known)].sort());
  });
});

/** What only recipes made for DUCC, or of version 1, have. */
const LEFT_OUT: ReadonlySet<string> = new Set(['user', 'cvmfs_repo', 'output_format']);

describe('examples/files: examples/unpackd.yaml', () => {
  const everything = textOf('examples/unpackd.yaml').replaceAll(/^# (?=[a-z-]+: )/gm, '');

  it('states no default, so that all follow what is in force', () => {
    assert.match(textOf('examples/unpackd.yaml'), /^(?:(?:#.*)?\n)+$/);
    const configFile = EXAMPLE;
    assert.deepEqual(load(EXAMPLE), { ...load('/dev/null'), configFile });
  });

  it('is one too with all options that it shows, which is every one', async () => {
    const file = join(await temporaryDirectory('example'), 'unpackd.yaml');
    await writeFile(file, everything);
    assert.deepEqual({ ...load(file), ...WITHOUT_DEFAULT }, { ...load(EXAMPLE), ...WITHOUT_DEFAULT });
    assert.deepEqual(load(file).platforms, [LINUX_AMD64]);
    const keys = [...everything.matchAll(/^([a-z-]+):/gm)].map((match) => match[1] ?? '');
    const inFiles = TABLE.filter(({ notInFile }) => notInFile !== true).map(({ key }) => key);
    assert.deepEqual(keys.sort(), inFiles.sort());
  });

  it('shows registries with every setting that they can have', async () => {
    const file = join(await temporaryDirectory('example'), 'unpackd.yaml');
    const [, below = ''] = everything.split('# registries:\n');
    const [registries = ''] = below.split('\n\n');
    await writeFile(file, `registries:\n${registries.replaceAll(/^#/gm, '')}`);
    const shown = load(file).registries;
    assert.deepEqual(
      shown.map(({ host }) => host),
      ['registry.example.org', 'docker.io', 'quay.io', 'registry.lab.example.org:5000'],
    );
    const set = shown.flatMap((entry) =>
      Object.entries(entry).flatMap(([name, value]) => (value === undefined ? [] : [name])),
    );
    assert.deepEqual([...new Set(set)].sort(), [
      'allowHttp',
      'authorities',
      'clientCertificate',
      'concurrency',
      'file',
      'host',
      'line',
      'login',
      'mirrors',
      'proxy',
    ]);
  });

  it('shows sources with every setting that they can have', async () => {
    const file = join(await temporaryDirectory('example'), 'unpackd.yaml');
    const [, below = ''] = everything.split('# sources:\n');
    const [sources = ''] = below.split('\n\n');
    await writeFile(file, `sources:\n${sources.replaceAll(/^#/gm, '')}`);
    const shown = load(file).sources;
    assert.deepEqual(
      shown.map(({ kind, name }) => [kind, name]),
      [
        ['git', 'git.example.org/containers/wishlist'],
        ['git', 'the lab'],
        ['file', '/etc/unpackd/recipe.yaml'],
        ['url', 'www.example.org/recipe.yaml'],
      ],
    );
    const set = shown.flatMap((entry) =>
      Object.entries(entry).flatMap(([name, value]) => (value === undefined ? [] : [name])),
    );
    assert.deepEqual([...new Set(set)].sort(), [
      'address',
      'allowHttp',
      'authorities',
      'branch',
      'key',
      'kind',
      'knownHosts',
      'limit',
      'line',
      'login',
      'name',
      'path',
      'paths',
      'registries',
      'repositories',
      'subdirectory',
      'url',
    ]);
  });
});

/** Options that the example can only show with a value which is not their default. */
const WITHOUT_DEFAULT: Partial<Configuration> = {
  isBackendChosen: false,
  outputs: undefined,
  chains: undefined,
  loginFiles: [],
  notificationFile: undefined,
  configFile: undefined,
  dockerConfig: undefined,
  caCertificates: undefined,
  platforms: undefined,
  allowedRegistries: undefined,
  repositories: undefined,
  imageSizeLimitBytes: undefined,
  timeZone: undefined,
};

function load(file: string): Configuration {
  const machine = {
    home: '/root',
    superuser: true,
    workingDirectory: '/',
    configurationFile: '/nonexistent',
  };
  return loadConfiguration({ flags: { config: file }, environment: {}, machine });
}
