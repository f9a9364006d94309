import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfiguration } from '../../daemon/configuration.ts';
import { OPTIONS, type Configuration, type Option } from '../../daemon/options.ts';
import { LINUX_AMD64 } from '../../wishlist/platform.ts';
import { readRecipe } from '../../wishlist/recipe.ts';
import { PROJECT, textOf } from '../docs/project.ts';
import { temporaryDirectory } from '../support/setup.ts';

const TABLE: readonly Option[] = Object.values(OPTIONS);
const EXAMPLE = join(PROJECT, 'examples/unpackd.yaml');

describe('examples/recipe.yaml', () => {
  it('is a recipe without a mistake', async () => {
    const { wishes, problems } = await readRecipe(join(PROJECT, 'examples/recipe.yaml'));
    assert.deepEqual([wishes.length, problems], [3, []]);
  });
});

describe('examples/unpackd.yaml', () => {
  const everything = textOf('examples/unpackd.yaml').replaceAll(/^# (?=[a-z-]+: )/gm, '');

  it('is a configuration', () => {
    assert.equal(load(EXAMPLE).backend, 'cvmfs');
  });

  it('is one too with all options that it shows, which is every one', async () => {
    const file = join(await temporaryDirectory('example'), 'unpackd.yaml');
    await writeFile(file, everything);
    const { notificationFile: _notificationFile, configFile: _configFile, platforms, ...shown } = load(file);
    const { notificationFile: _none, configFile: _other, platforms: _unnamed, ...defaults } = load(EXAMPLE);
    assert.deepEqual(shown, defaults);
    assert.deepEqual(platforms, [LINUX_AMD64]);
    const keys = [...everything.matchAll(/^([a-z-]+):/gm)].map((match) => match[1] ?? '');
    const inFiles = TABLE.filter(({ notInFile }) => notInFile !== true).map(({ key }) => key);
    assert.deepEqual(keys.sort(), inFiles.sort());
  });
});

function load(file: string): Configuration {
  const machine = {
    home: '/root',
    superuser: true,
    workingDirectory: '/',
    configurationFile: '/nonexistent',
  };
  return loadConfiguration({ flags: { config: file }, environment: {}, machine });
}
