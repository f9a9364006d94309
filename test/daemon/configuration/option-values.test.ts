import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfiguration, type ConfigurationReading } from '../../../daemon/configuration/configuration.ts';
import { type Sources } from '../../../daemon/configuration/settings.ts';
import type { OptionValue } from '../../../daemon/configuration/option-values.ts';
import { OPTIONS } from '../../../daemon/configuration/options.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const MACHINE = {
  home: '/home/ada',
  superuser: false,
  workingDirectory: '/work',
  configurationFile: '/nonexistent/unpackd.yaml',
};

function read(sources: Partial<Sources>): ConfigurationReading {
  return readConfiguration({ flags: {}, environment: {}, machine: MACHINE, ...sources });
}

function optionOf(
  { options }: ConfigurationReading,
  name: keyof typeof OPTIONS,
): Omit<OptionValue, 'option'> {
  const found = options.get(name);
  assert.ok(found !== undefined);
  const { option, ...rest } = found;
  assert.equal(option, OPTIONS[name]);
  return rest;
}

describe('daemon/configuration/option-values: the former name of an option', () => {
  const given = (origin: object): unknown => [{ origin, value: 'refuse' }];

  it('is read as a flag', () => {
    const reading = read({ flags: { unkept: 'refuse' } });
    assert.deepEqual(optionOf(reading, 'onLoss').given, given({ kind: 'option', name: '--unkept' }));
    assert.equal(reading.configuration?.onLoss, 'refuse');
  });

  it('is read as a variable', () => {
    const reading = read({ environment: { UNPACKD_UNKEPT: 'refuse' } });
    assert.deepEqual(optionOf(reading, 'onLoss').given, given({ kind: 'variable', name: 'UNPACKD_UNKEPT' }));
    assert.equal(reading.configuration?.onLoss, 'refuse');
  });

  it('is read as a key of the file', async () => {
    const file = join(await temporaryDirectory('former'), 'unpackd.yaml');
    await writeFile(file, 'unkept: refuse\n');
    const reading = read({ flags: { config: file } });
    assert.deepEqual(optionOf(reading, 'onLoss').given, given({ kind: 'file', file, line: 1 }));
    assert.equal(reading.configuration?.onLoss, 'refuse');
  });

  it('counts less than the present one', () => {
    const { configuration } = read({
      flags: { unkept: 'refuse', 'on-loss': 'warn' },
      environment: { UNPACKD_UNKEPT: 'refuse' },
    });
    assert.equal(configuration?.onLoss, 'warn');
  });
});

describe('daemon/configuration/option-values: values of options', () => {
  let config: string;

  before(async () => {
    config = join(await temporaryDirectory('values'), 'unpackd.yaml');
    await writeFile(config, '# mine\nwait: 3\nstate: data\n');
  });

  it('have all options of the table, in its order', () => {
    assert.deepEqual([...read({}).options.keys()], Object.keys(OPTIONS));
  });

  it('are the default where nobody says anything', () => {
    assert.deepEqual(optionOf(read({}), 'waitMs'), { value: 600_000, default: 600_000, given: [] });
  });

  it('tell who said what, in the order in which it counts', () => {
    const reading = read({ flags: { wait: '1', config }, environment: { UNPACKD_WAIT: '2' } });
    assert.deepEqual(optionOf(reading, 'waitMs'), {
      value: 1000,
      default: 600_000,
      given: [
        { origin: { kind: 'option', name: '--wait' }, value: 1000 },
        { origin: { kind: 'variable', name: 'UNPACKD_WAIT' }, value: 2000 },
        { origin: { kind: 'file', file: config, line: 2 }, value: 3000 },
      ],
    });
  });

  it('tell which of several variables it was', () => {
    const environment = { DUCC_TMP_DIR: '/ducc', UNPACKD_TEMPORARY_DIR: '/own' };
    assert.deepEqual(optionOf(read({ environment }), 'temporaryDirectory').given, [
      { origin: { kind: 'variable', name: 'UNPACKD_TEMPORARY_DIR' }, value: '/own' },
      { origin: { kind: 'variable', name: 'DUCC_TMP_DIR' }, value: '/ducc' },
    ]);
  });

  it('have defaults that follow from what is in force of other options', () => {
    const { value, default: usual, given } = optionOf(read({ flags: { config } }), 'temporaryDirectory');
    assert.deepEqual([value, usual, given], [join(config, '../data'), join(config, '../data'), []]);
  });

  it('count a file that nobody named as the default', () => {
    const usual = read({ machine: { ...MACHINE, configurationFile: config } });
    assert.deepEqual(optionOf(usual, 'configFile'), { value: config, default: config, given: [] });
    const named = optionOf(read({ flags: { config } }), 'configFile');
    assert.deepEqual([named.value, named.default, named.given.length], [config, undefined, 1]);
  });

  it('are there beside problems, but no configuration is', () => {
    const reading = read({ flags: { wait: 'soon', json: 'true' } });
    assert.equal(reading.configuration, undefined);
    assert.equal(reading.problems.length, 1);
    assert.equal(optionOf(reading, 'json').value, true);
    assert.equal(optionOf(reading, 'waitMs').value, undefined);
  });
});
