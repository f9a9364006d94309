import assert from 'node:assert/strict';
import { flagsOf, OPTIONS, variableOf } from '../../../daemon/configuration/options.ts';
import type { Option } from '../../../daemon/configuration/options.ts';

const TABLE: readonly Option[] = Object.values(OPTIONS);

describe('daemon/configuration/options', () => {
  for (const option of TABLE) {
    it(`describes ${option.key}`, () => {
      assert.match(option.summary, /\S/);
      assert.match(option.key, /^[a-z]+(-[a-z]+)*$/);
      const long = option.default === 'true' ? `--no-${option.key}` : `--${option.key}`;
      assert.equal(flagsOf(option).at(-1), long);
    });

    it(`has a default that is a value, for ${option.key}`, () => {
      if (typeof option.default !== 'string') return;
      assert.notEqual(option.type.parse(option.default, { folder: '/', home: '/' }), undefined);
    });
  }

  it('names each option and each short flag once', () => {
    const names = TABLE.flatMap(({ key, short = [] }) => [key, short].flat());
    assert.deepEqual([...new Set(names)], names);
  });

  it('keeps the flags of DUCC', () => {
    const flags = TABLE.flatMap(({ key, short }) => (short === undefined ? [] : [`-${short} ${key}`]));
    assert.deepEqual(flags.sort(), [
      '-d skip-layers',
      '-f overwrite-layers',
      '-g convert-again',
      '-i skip-thin-image',
      '-n notification-file',
      '-p skip-podman',
      '-s skip-flat',
      '-t temporary-dir',
    ]);
  });

  it('derives the variable from the key', () => {
    assert.equal(variableOf('root'), 'UNPACKD_ROOT');
    assert.equal(variableOf('skip-thin-image'), 'UNPACKD_SKIP_THIN_IMAGE');
  });
});
