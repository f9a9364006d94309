import assert from 'node:assert/strict';
import {
  boolean,
  choice,
  days,
  duration,
  formatValue,
  integer,
  path,
  platforms,
  registryPatterns,
  size,
  string,
} from '../../../daemon/configuration/value-types.ts';
import type { ValueType } from '../../../daemon/configuration/value-types.ts';
import { formatPlatform } from '../../../core/oci/platform.ts';

const PLACE = { folder: '/work', home: '/home/ada' };

describe('daemon/configuration/value-types: types of option values', () => {
  const cases: readonly (readonly [
    name: string,
    type: ValueType<unknown>,
    values: readonly (readonly [text: string, value: unknown])[],
  ])[] = [
    [
      'string',
      string,
      [
        ['sudo cvmfs_server', 'sudo cvmfs_server'],
        ['', undefined],
        ['a\0b', undefined],
      ],
    ],
    [
      'registryPatterns',
      registryPatterns,
      [
        ['quay.io', ['quay.io']],
        ['Docker.io, quay.io,localhost:5000,quay.io', ['docker.io', 'quay.io', 'localhost:5000']],
        ['[::1]:5000', ['[::1]:5000']],
        ['', undefined],
        ['quay.io,', undefined],
        ['https://quay.io', undefined],
        ['*.Example.org, quay.io/lab/a', ['*.example.org', 'quay.io/lab/a']],
        ['*', undefined],
        ['quay.io/', undefined],
        ['quay.io/Lab', undefined],
        ['quay.io/../lab', undefined],
      ],
    ],
    [
      'path',
      path,
      [
        ['/srv', '/srv'],
        ['a/../b', '/work/b'],
        ['~/data', '/home/ada/data'],
        ['~', '/home/ada'],
        ['~ada', '/work/~ada'],
        ['', undefined],
        ['a\0b', undefined],
      ],
    ],
    [
      'boolean',
      boolean,
      [
        ['true', true],
        ['Yes', true],
        ['on', true],
        ['1', true],
        ['false', false],
        ['NO', false],
        ['off', false],
        ['0', false],
        ['', undefined],
        ['maybe', undefined],
        ['2', undefined],
      ],
    ],
    [
      'integer',
      integer(1, 64),
      [
        ['1', 1],
        ['64', 64],
        ['0', undefined],
        ['65', undefined],
        ['-1', undefined],
        ['1.5', undefined],
        ['0x10', undefined],
        ['', undefined],
        ['9'.repeat(400), undefined],
      ],
    ],
    [
      'choice',
      choice('auto', 'none'),
      [
        ['auto', 'auto'],
        ['none', 'none'],
        ['Auto', undefined],
        ['', undefined],
      ],
    ],
    [
      'duration',
      duration(),
      [
        ['90', 90_000],
        ['90s', 90_000],
        ['10m', 600_000],
        ['2h', 7_200_000],
        ['1d', 86_400_000],
        ['1.5h', 5_400_000],
        ['0', 0],
        ['', undefined],
        ['s', undefined],
        ['10 m', undefined],
        ['10min', undefined],
        ['-1s', undefined],
        ['1h30m', undefined],
        ['24d', 2_073_600_000],
        ['25d', undefined],
        ['constructor', undefined],
      ],
    ],
    [
      'duration with a minimum',
      duration(1000),
      [
        ['1s', 1000],
        ['0', undefined],
        ['0.5', undefined],
      ],
    ],
    [
      'duration with a maximum of its own',
      duration(86_400_000, 366 * 86_400_000),
      [
        ['30d', 30 * 86_400_000],
        ['366d', 366 * 86_400_000],
        ['367d', undefined],
        ['23h', undefined],
      ],
    ],
    [
      'days',
      days,
      [
        ['0', 0],
        ['30', 30 * 86_400_000],
        ['12h', 43_200_000],
        ['3650', 3650 * 86_400_000],
        ['3651', undefined],
        ['1.5', 36 * 3_600_000],
        ['a week', undefined],
      ],
    ],
    [
      'size',
      size,
      [
        ['1', 1],
        ['20GiB', 20 * 2 ** 30],
        ['500MB', 500e6],
        ['500 MB', 500e6],
        ['1.5kib', 1536],
        ['3B', 3],
        ['2TiB', 2 ** 41],
        ['0', undefined],
        ['', undefined],
        ['GiB', undefined],
        ['20G', undefined],
        ['-1', undefined],
        ['99999999999999TiB', undefined],
      ],
    ],
  ];
  for (const [name, type, values] of cases) {
    for (const [text, value] of values) {
      it(`reads ${JSON.stringify(text.slice(0, 20))} as ${name}: ${String(value)}`, () => {
        assert.deepEqual(type.parse(text, PLACE), value);
      });
    }
  }
});

describe('daemon/configuration/value-types: platforms as the value of an option', () => {
  const cases: readonly (readonly [text: string, names: readonly string[] | undefined])[] = [
    ['linux/amd64', ['linux/amd64']],
    ['linux/arm64, linux/arm/v7', ['linux/arm64', 'linux/arm/v7']],
    ['linux/amd64,linux/x86_64,linux/amd64/v1', ['linux/amd64']],
    ['', undefined],
    [',', undefined],
    ['linux/amd64,', undefined],
    ['linux/amd64 linux/arm64', undefined],
    ['amd64', undefined],
    ['linux/amd64,windows/amd64', undefined],
  ];
  for (const [text, names] of cases) {
    it(`are ${names?.join(' and ') ?? 'refused'}, given ${JSON.stringify(text)}`, () => {
      assert.deepEqual(platforms.parse(text, PLACE)?.map(formatPlatform), names);
    });
  }

  const formatted: readonly (readonly [type: ValueType<unknown>, text: string, again: string])[] = [
    [string, 'sudo cvmfs_server', 'sudo cvmfs_server'],
    [path, 'data', '/work/data'],
    [boolean, 'yes', 'true'],
    [boolean, '0', 'false'],
    [integer(1, 100), '007', '7'],
    [duration(), '0', '0s'],
    [duration(), '600', '10m'],
    [duration(), '90', '90s'],
    [duration(), '1.5s', '1.5s'],
    [duration(), '48h', '2d'],
    [duration(), '36h', '36h'],
    [days, '30', '30d'],
    [size, '1', '1B'],
    [size, '20gib', '20GiB'],
    [size, '500 MB', '500MB'],
    [size, '1024', '1KiB'],
    [size, '1000', '1kB'],
    [size, '1.5kib', '1536B'],
    [platforms, 'linux/arm64,linux/amd64', 'linux/arm64,linux/amd64'],
    [registryPatterns, 'Docker.io, quay.io', 'docker.io,quay.io'],
  ];
  for (const [type, text, again] of formatted) {
    it(`write ${text} as ${again}, which means the same`, () => {
      const value = type.parse(text, PLACE);
      assert.equal(formatValue(type, value), again);
      assert.deepEqual(type.parse(again, PLACE), value);
    });
  }
});
