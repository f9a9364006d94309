import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfiguration, readConfiguration } from '../../../daemon/configuration/configuration.ts';
import type { Sources } from '../../../daemon/configuration/settings.ts';
import { shownOptions } from '../../../daemon/configuration/inspection/overview.ts';
import { variableOf } from '../../../daemon/configuration/options.ts';
import { temporaryDirectory } from '../../support/setup.ts';

type Values = Readonly<Record<string, string>>;

/** What the configuration file, the environment and the command line say, by key. */
interface Said {
  readonly file?: Values;
  readonly environment?: Values;
  readonly flags?: Values;
}

let folder: string;
let files = 0;

/** As root: repositories below /srv/unpackd, the state in /var/lib/unpackd. */
async function sourcesOf({ file = {}, environment = {}, flags = {} }: Said): Promise<Sources> {
  const config = join(folder, `${files++}.yaml`);
  await writeFile(
    config,
    Object.entries(file)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  );
  return {
    flags: { ...flags, config },
    environment: Object.fromEntries(
      Object.entries(environment).map(([key, value]) => [
        key.startsWith('DUCC') ? key : variableOf(key),
        value,
      ]),
    ),
    machine: { home: '/root', superuser: true, workingDirectory: '/', configurationFile: '/nonexistent' },
  };
}

/** What an earlier package had in its configuration file. */
const WRITTEN_OUT = {
  backend: 'cvmfs',
  root: '/cvmfs',
  state: '/var/lib/unpackd',
  'temporary-dir': '/var/lib/unpackd',
};

type Places = readonly [backend: string, root: string, clientRoot: string, state: string, spool: string];

const STATE = '/var/lib/unpackd';
const CASES: readonly (readonly [what: string, said: Said, places: Places])[] = [
  ['nothing', {}, ['directory', '/srv/unpackd', '/srv/unpackd', STATE, STATE]],
  ['the backend in the file', { file: { backend: 'cvmfs' } }, ['cvmfs', '/cvmfs', '/cvmfs', STATE, STATE]],
  ['a variable', { environment: { backend: 'cvmfs' } }, ['cvmfs', '/cvmfs', '/cvmfs', STATE, STATE]],
  ['an option', { flags: { backend: 'cvmfs' } }, ['cvmfs', '/cvmfs', '/cvmfs', STATE, STATE]],
  [
    'an option against the file',
    { file: { backend: 'cvmfs' }, flags: { backend: 'directory' } },
    ['directory', '/srv/unpackd', '/srv/unpackd', STATE, STATE],
  ],
  [
    'a variable against the file, an option against both',
    { file: { backend: 'directory' }, environment: { backend: 'directory' }, flags: { backend: 'cvmfs' } },
    ['cvmfs', '/cvmfs', '/cvmfs', STATE, STATE],
  ],
  [
    'the backend in the file, the root by an option',
    { file: { backend: 'cvmfs' }, flags: { root: '/r' } },
    ['cvmfs', '/r', '/r', STATE, STATE],
  ],
  [
    'the root in the file, the backend by an option',
    { file: { root: '/r' }, flags: { backend: 'cvmfs' } },
    ['cvmfs', '/r', '/r', STATE, STATE],
  ],
  [
    'the root of the one backend for the other, said in one place',
    { flags: { backend: 'directory', root: '/cvmfs' } },
    ['directory', '/cvmfs', '/cvmfs', STATE, STATE],
  ],
  [
    'where clients see it',
    { file: { backend: 'cvmfs', 'client-root': '/mnt' }, environment: { root: '/r' } },
    ['cvmfs', '/r', '/mnt', STATE, STATE],
  ],
  ['the state', { flags: { state: '/s' } }, ['directory', '/srv/unpackd', '/srv/unpackd', '/s', '/s']],
  [
    'the spool in the file, the state by an option',
    { file: { 'temporary-dir': '/big' }, flags: { state: '/s' } },
    ['directory', '/srv/unpackd', '/srv/unpackd', '/s', '/big'],
  ],
  [
    "the spool by DUCC's variable",
    { environment: { DUCC_TMP_DIR: '/big', state: '/s' } },
    ['directory', '/srv/unpackd', '/srv/unpackd', '/s', '/big'],
  ],
  ['defaults that are written out', { file: WRITTEN_OUT }, ['cvmfs', '/cvmfs', '/cvmfs', STATE, STATE]],
  [
    'the same, with another backend',
    { file: WRITTEN_OUT, flags: { backend: 'directory' } },
    ['directory', '/srv/unpackd', '/srv/unpackd', STATE, STATE],
  ],
  [
    'the same, with another state',
    { file: WRITTEN_OUT, environment: { state: '/s' } },
    ['cvmfs', '/cvmfs', '/cvmfs', '/s', '/s'],
  ],
  [
    'the same, with another root',
    { file: { ...WRITTEN_OUT, 'client-root': '/cvmfs' }, flags: { root: '/r' } },
    ['cvmfs', '/r', '/r', STATE, STATE],
  ],
  [
    'the same, with another backend and its own root',
    { file: WRITTEN_OUT, environment: { root: '/r' }, flags: { backend: 'directory' } },
    ['directory', '/r', '/r', STATE, STATE],
  ],
];

before(async () => {
  folder = await temporaryDirectory('defaults');
});

describe('daemon/configuration/dependent-defaults', () => {
  for (const [what, said, places] of CASES) {
    it(`follow what is in force: ${what}`, async () => {
      const {
        backend,
        root,
        clientRoot,
        state,
        temporaryDirectory: spool,
      } = loadConfiguration(await sourcesOf(said));
      assert.deepEqual([backend, root, clientRoot, state, spool], places);
    });
  }

  const PLACES = ['file', 'environment', 'flags'] as const;

  it('follow it wherever backend and root come from', async () => {
    const roots = { directory: '/srv/unpackd', cvmfs: '/cvmfs' } as const;
    for (const backends of choices(['directory', 'cvmfs'])) {
      for (const places of choices(['/r'])) {
        const said = Object.fromEntries(
          PLACES.map((place, index) => [
            place,
            {
              ...(backends[index] !== undefined && { backend: backends[index] }),
              ...(places[index] !== undefined && { root: places[index] }),
            },
          ]),
        );
        const { backend, root } = loadConfiguration(await sourcesOf(said));
        assert.equal(backend, backends.findLast((one) => one !== undefined) ?? 'directory');
        assert.equal(root, places.includes('/r') ? '/r' : roots[backend], JSON.stringify(said));
      }
    }
  });

  it('are shown as defaults where they are written out for something else, and as overridden', async () => {
    const { options } = readConfiguration(
      await sourcesOf({ file: WRITTEN_OUT, flags: { backend: 'directory' } }),
    );
    const shown = shownOptions(options).find(({ key }) => key === 'root');
    assert.deepEqual(
      [shown?.value, shown?.default, shown?.origin, shown?.overrides.map(({ value }) => value)],
      ['/srv/unpackd', '/srv/unpackd', null, ['/cvmfs']],
    );
  });

  it("find the service's state as whoever owns it", async () => {
    const sources = await sourcesOf({});
    const machine = {
      home: '/root',
      superuser: false,
      workingDirectory: '/',
      configurationFile: '/nonexistent',
    };
    const of = (ownsServiceState: boolean): string =>
      loadConfiguration({ ...sources, machine: { ...machine, ownsServiceState } }).state;
    assert.deepEqual([of(true), of(false)], [STATE, '/root/.local/state/unpackd']);
  });
});

/** All ways in which three places say one of `values` or nothing. */
function choices(values: readonly string[]): (string | undefined)[][] {
  const all = [undefined, ...values];
  return all.flatMap((a) => all.flatMap((b) => all.map((c) => [a, b, c])));
}
