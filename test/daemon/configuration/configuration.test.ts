import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration } from '../../../daemon/configuration/configuration.ts';
import type { Machine } from '../../../daemon/configuration/settings.ts';
import type { Configuration } from '../../../daemon/configuration/options.ts';
import { isFailure } from '../../../core/failure.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const MACHINE: Machine = {
  home: '/home/ada',
  superuser: false,
  workingDirectory: '/work',
  configurationFile: '/nonexistent/unpackd.yaml',
};

interface Given {
  readonly flags?: Record<string, string>;
  readonly environment?: Record<string, string>;
  readonly machine?: Partial<Machine>;
}

function load({ flags = {}, environment = {}, machine = {} }: Given): Configuration {
  return loadConfiguration({ flags, environment, machine: { ...MACHINE, ...machine } });
}

function wait(flags: Record<string, string>, environment: Record<string, string>): number {
  return load({ flags, environment }).waitMs;
}

/** The message of the failure that loading ends with. */
function problemOf(given: Given): string {
  try {
    load(given);
  } catch (error) {
    assert.ok(isFailure(error, 'configuration-invalid'));
    return error.message;
  }
  return assert.fail('the configuration is valid');
}

async function file(text: string): Promise<string> {
  const path = join(await temporaryDirectory('configuration'), 'unpackd.yaml');
  await writeFile(path, text);
  return path;
}

describe('daemon/configuration/configuration', () => {
  it('has defaults for everything', () => {
    assert.deepEqual(load({}), {
      backend: 'directory',
      isBackendChosen: false,
      root: '/home/ada/.local/share/unpackd',
      clientRoot: '/home/ada/.local/share/unpackd',
      state: '/home/ada/.local/state/unpackd',
      temporaryDirectory: '/home/ada/.local/state/unpackd',
      repository: undefined,
      held: undefined,
      serverGc: true,
      skipFlat: false,
      skipLayers: false,
      skipPodman: false,
      skipThinImage: false,
      chains: undefined,
      platforms: undefined,
      multiarchLinks: 'auto',
      convertAgain: false,
      outputs: undefined,
      overwriteLayers: false,
      patternLimit: 1000,
      onLoss: 'warn',
      sameContent: 'exact',
      allowPrivileged: false,
      wishLimit: 20_000,
      yesReally: false,
      waitMs: 600_000,
      publishTimeoutMs: 1_800_000,
      batchSizeBytes: 20 * 2 ** 30,
      batchImages: 500,
      batchAgeMs: 60_000,
      spoolSizeBytes: 100 * 2 ** 30,
      schedule: '*/5 * * * *',
      timeZone: undefined,
      jitterMs: 10_000,
      stopTimeoutMs: 240_000,
      downloads: 4,
      dryRun: false,
      downloadRateBytes: 262_144,
      tagListTimeoutMs: 600_000,
      manifestTimeoutMs: 300_000,
      foreignLayers: 'refuse',
      registryRequests: 8,
      sourceSizeLimitBytes: 256 * 2 ** 20,
      publicOnly: false,
      cvmfsServer: 'cvmfs_server',
      cvmfsSpool: '/var/spool/cvmfs',
      cvmfsConfiguration: '/etc/cvmfs',
      dockerConfig: undefined,
      loginFiles: [],
      caCertificates: undefined,
      registries: [],
      base: undefined,
      baseFile: undefined,
      removalLimit: 50,
      removalSharePercent: 10,
      report: undefined,
      offline: false,
      format: 'text',
      verifySchedule: '30 2 * * *',
      verifyPeriodMs: 2_592_000_000,
      verifyRepair: false,
      deep: false,
      repair: false,
      gcSchedule: '15 1 * * *',
      gracePeriodMs: 30 * 86_400_000,
      allowedRegistries: undefined,
      sourceImageLimit: 100_000,
      repositories: undefined,
      layerSizeLimitBytes: 100 * 2 ** 30,
      layerRatioLimit: 200,
      layerEntryLimit: 1_250_000,
      layerHeaderLimitBytes: 2 ** 20,
      layerNamesLimitBytes: 128 * 2 ** 20,
      imageLayerLimit: 500,
      imageSizeLimitBytes: undefined,
      imageEntryLimit: 1_250_000,
      imageUnpackedLimitBytes: 200 * 2 ** 30,
      imageNameLimit: 20_000_000,
      imageInodeLimit: 5_000_000,
      imageStepLimit: 100_000_000,
      sources: [],
      configFile: undefined,
      json: false,
      progress: 'auto',
      logLevel: 'info',
      notificationFile: undefined,
    });
  });

  const defaults: readonly (readonly [what: string, given: Given, root: string, state: string])[] = [
    [
      'XDG base directories',
      { environment: { XDG_DATA_HOME: '/data', XDG_STATE_HOME: '/state' } },
      '/data/unpackd',
      '/state/unpackd',
    ],
    [
      'relative XDG base directories, which do not count',
      { environment: { XDG_DATA_HOME: 'data', XDG_STATE_HOME: '' } },
      '/home/ada/.local/share/unpackd',
      '/home/ada/.local/state/unpackd',
    ],
    [
      'root',
      { machine: { superuser: true }, environment: { XDG_DATA_HOME: '/data' } },
      '/srv/unpackd',
      '/var/lib/unpackd',
    ],
    ['the cvmfs backend', { flags: { backend: 'cvmfs' } }, '/cvmfs', '/home/ada/.local/state/unpackd'],
  ];
  for (const [what, given, root, state] of defaults) {
    it(`finds its directories for ${what}`, () => {
      const configuration = load(given);
      assert.equal(configuration.root, root);
      assert.equal(configuration.state, state);
      assert.equal(configuration.temporaryDirectory, state);
    });
  }

  it('takes the option before the environment, that before the file, that before the default', async () => {
    const config = await file('wait: 3\n');
    assert.equal(wait({ wait: '1', config }, { UNPACKD_WAIT: '2' }), 1000);
    assert.equal(wait({ config }, { UNPACKD_WAIT: '2' }), 2000);
    assert.equal(wait({ config }, { UNPACKD_WAIT: '' }), 3000);
    assert.equal(wait({}, {}), 600_000);
  });

  it('lets "false" go before "true" of a source that counts less', async () => {
    const config = await file('skip-flat: true\nchains: false\n');
    const configuration = load({
      flags: { 'skip-flat': 'false', config },
      environment: { UNPACKD_CHAINS: '1' },
    });
    assert.equal(configuration.skipFlat, false);
    assert.equal(configuration.chains, true);
  });

  it('takes the temporary directory of DUCC where its own is not set', () => {
    const environment = { DUCC_TMP_DIR: '/ducc' };
    assert.equal(load({ environment }).temporaryDirectory, '/ducc');
    assert.equal(
      load({ environment: { ...environment, UNPACKD_TEMPORARY_DIR: '/own' } }).temporaryDirectory,
      '/own',
    );
  });

  it('takes relative paths from the working directory, and in a file from its folder', async () => {
    const config = await file('root: data\nstate: ~/state\n');
    const configuration = load({ flags: { config, 'notification-file': 'n' } });
    assert.equal(configuration.root, join(config, '../data'));
    assert.equal(configuration.state, '/home/ada/state');
    assert.equal(configuration.notificationFile, '/work/n');
  });

  it('reads the file that the environment names, and else the usual one', async () => {
    const config = await file('downloads: 7\n');
    const named = load({ environment: { UNPACKD_CONFIG: config } });
    assert.equal(named.downloads, 7);
    assert.equal(named.configFile, config);
    const usual = load({ machine: { configurationFile: config } });
    assert.equal(usual.downloads, 7);
    assert.equal(usual.configFile, config);
  });

  it('asks the process for the home and the working directory', async () => {
    const config = await file('state: ~/state\n');
    const flags = { config, root: 'data' };
    for (const [HOME, home] of [
      ['/home/eve', '/home/eve'],
      ['', homedir()],
    ] as const) {
      const configuration = loadConfiguration({ flags, environment: { HOME } });
      assert.equal(configuration.state, join(home, 'state'));
      assert.equal(configuration.root, join(process.cwd(), 'data'));
    }
  });

  it('takes lists where an option has several values', async () => {
    const config = await file(
      'platforms: [linux/arm64, linux/amd64]\nallowed-registries:\n  - quay.io\n  - Docker.io\n',
    );
    const { platforms, allowedRegistries } = load({ flags: { config } });
    assert.deepEqual(platforms, load({ flags: { platforms: 'linux/arm64, linux/amd64' } }).platforms);
    assert.equal(platforms?.length, 2);
    assert.deepEqual(allowedRegistries, ['quay.io', 'docker.io']);
    const single = await file('platforms: [linux/arm64]\n');
    assert.equal(load({ flags: { config: single } }).platforms?.length, 1);
  });

  it('says what is wrong with registries together with everything else', async () => {
    const config = await file('wait: soon\nregistries:\n  quay.io:\n    usrname: ada\nregistry: x\n');
    const problem = problemOf({ flags: { config } });
    assert.match(problem, /^3 problems: /);
    assert.ok(problem.includes(`${config}:1: wait: "soon"`));
    assert.ok(
      problem.includes(`${config}:4: registries: quay.io: unknown key "usrname"; did you mean username?`),
    );
    assert.ok(problem.includes(`${config}:5: unknown key "registry"; did you mean registries?`));
  });

  const wrong: readonly (readonly [what: string, given: Given, ...places: RegExp[]])[] = [
    ['an option', { flags: { wait: 'soon' } }, /--wait: "soon".*duration/],
    ['a variable', { environment: { UNPACKD_DOWNLOADS: '0' } }, /UNPACKD_DOWNLOADS: "0".*1 to 64/],
    ['a choice', { flags: { backend: 's3' } }, /--backend: "s3".*directory, cvmfs/],
    ['an alias', { flags: {}, environment: { DUCC_TMP_DIR: 'a\0b' } }, /DUCC_TMP_DIR: "a\\u0000b"/],
    ['an unknown variable', { environment: { UNPACKD_ROT: '/x' } }, /UNPACKD_ROT.*UNPACKD_ROOT/],
    ['a missing file', { flags: { config: '/nonexistent/x.yaml' } }, /--config: .*"\/nonexistent\/x\.yaml"/],
    ['an empty file name', { flags: { config: '' } }, /--config: ""/],
    [
      'a value that another one overrides',
      { flags: { wait: '1' }, environment: { UNPACKD_WAIT: 'x' } },
      /UNPACKD_WAIT/,
    ],
    [
      'several at once',
      { flags: { wait: 'x', root: '' }, environment: { UNPACKD_JSON: 'perhaps' } },
      /--wait/,
      /--root/,
      /UNPACKD_JSON/,
    ],
  ];
  for (const [what, given, ...places] of wrong) {
    it(`says what is wrong with ${what}, and where`, () => {
      const problem = problemOf(given);
      for (const place of places) assert.match(problem, place);
    });
  }

  it('says file, line and key of what is wrong in the file, all at once', async () => {
    const config = await file('# mine\nrot: /x\ndownloads: many\nwait: [1]\njson:\nconfig: /y\n');
    const problem = problemOf({ flags: { config, progress: 'x' } });
    assert.match(problem, /^6 problems: /);
    assert.ok(problem.includes(`${config}:2: unknown key "rot"; did you mean root?`));
    assert.ok(problem.includes(`${config}:3: downloads: "many"`));
    assert.ok(problem.includes(`${config}:4: wait: `));
    assert.ok(problem.includes(`${config}:5: json: `));
    assert.ok(problem.includes(`${config}:6: unknown key "config"`));
    assert.ok(problem.includes('--progress: "x"'));
  });

  it('says where the file is no YAML', async () => {
    const config = await file('wait: 1\nroot: [\n');
    assert.ok(problemOf({ flags: { config } }).startsWith(`${config}:3: `));
  });
});
