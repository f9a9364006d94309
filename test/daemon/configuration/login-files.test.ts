import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loginFilesOf } from '../../../daemon/configuration/configuration.ts';
import { type Machine } from '../../../daemon/configuration/settings.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const ALL = [
  'session/containers/auth.json',
  'home/.config/containers/auth.json',
  'config/containers/auth.json',
  'home/.docker/config.json',
  'docker/config.json',
  'mine.json',
];

describe('daemon/configuration/login-files', () => {
  let folder: string;
  let machine: Machine;

  before(async () => {
    folder = await temporaryDirectory('logins');
    machine = {
      home: join(folder, 'home'),
      superuser: false,
      workingDirectory: '/',
      configurationFile: '/nonexistent',
    };
    for (const file of ALL) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), '{}');
    }
  });

  /** Values are taken from the folder. */
  const cases: readonly (readonly [
    what: string,
    environment: Readonly<Record<string, string>>,
    files: readonly string[],
  ])[] = [
    ['no session', {}, ['home/.config/containers/auth.json', 'home/.docker/config.json']],
    [
      'a session',
      { XDG_RUNTIME_DIR: 'session' },
      ['session/containers/auth.json', 'home/.config/containers/auth.json', 'home/.docker/config.json'],
    ],
    [
      'folders that variables name',
      { XDG_RUNTIME_DIR: 'session', XDG_CONFIG_HOME: 'config', DOCKER_CONFIG: 'docker' },
      ['session/containers/auth.json', 'config/containers/auth.json', 'docker/config.json'],
    ],
    ['folders where there is none', { XDG_RUNTIME_DIR: 'x', XDG_CONFIG_HOME: 'y', DOCKER_CONFIG: 'z' }, []],
    [
      'a file that a variable names',
      { XDG_RUNTIME_DIR: 'session', REGISTRY_AUTH_FILE: 'mine.json' },
      ['mine.json'],
    ],
    ['a file that is not there', { REGISTRY_AUTH_FILE: 'none.json' }, []],
  ];
  for (const [what, environment, files] of cases) {
    it(`are those that podman and docker read: ${what}`, () => {
      const named = Object.entries(environment).map(([name, value]) => [name, join(folder, value)]);
      assert.deepEqual(
        loginFilesOf(undefined, machine, Object.fromEntries(named) as Record<string, string>),
        files.map((file) => join(folder, file)),
      );
    });
  }

  it('are without variables that are empty', () => {
    const environment = {
      XDG_RUNTIME_DIR: '',
      XDG_CONFIG_HOME: '',
      DOCKER_CONFIG: '',
      REGISTRY_AUTH_FILE: '',
    };
    assert.deepEqual(loginFilesOf(undefined, machine, environment), loginFilesOf(undefined, machine, {}));
  });

  it('are the one alone that was named, also where it is not there', () => {
    const environment = { REGISTRY_AUTH_FILE: join(folder, 'mine.json') };
    assert.deepEqual(loginFilesOf('/named.json', machine, environment), ['/named.json']);
  });
});
