import assert from 'node:assert/strict';
import { OPTIONS } from '../../../../daemon/configuration/options.ts';
import { Scene, type Inspection } from './inspect.ts';

const KEYS = Object.values(OPTIONS).map(({ key }) => key);

/** The lines of options by their keys, with single spaces. */
function optionLines({ stdout }: Inspection): Map<string, string> {
  const lines = stdout.split('\n\n')[1]?.split('\n') ?? [];
  return new Map(
    lines.map((line) => {
      const words = line.replace(/ {2,}/g, ' ').trim();
      const [key = ''] = words.replace(/^\* /, '').split(' ');
      return [key, words];
    }),
  );
}

describe('daemon/configuration/inspection/show: config show', () => {
  let scene: Scene;

  beforeEach(async () => {
    scene = await Scene.make();
  });

  it('has every option of the table, in its order', async () => {
    const shown = await scene.run(['config', 'show']);
    assert.deepEqual([shown.status, shown.stderr], [0, '']);
    assert.deepEqual([...optionLines(shown).keys()], KEYS);
    const document: unknown = JSON.parse((await scene.run(['config', 'show', '--json'])).stdout);
    const { options } = document as { options: { key: string }[] };
    assert.deepEqual(
      options.map(({ key }) => key),
      KEYS,
    );
  });

  it('says where each value comes from, what it overrides, and what differs from the default', async () => {
    const shown = await scene.run(['config', 'show', '--downloads', '9', '--state', 'data'], {
      text: '# mine\nwait: 3\ndownloads: 7\nskip-flat: no\n',
      environment: { UNPACKD_WAIT: '90', DUCC_TMP_DIR: '/ducc', UNPACKD_DOWNLOADS: '8' },
    });
    const lines = optionLines(shown);
    const at = (line: number): string => `${scene.config}:${line}`;
    const expected: Readonly<Record<string, string>> = {
      wait: `* wait 90s UNPACKD_WAIT default: 10m; overrides ${at(2)} (3s)`,
      downloads: `* downloads 9 --downloads default: 4; overrides UNPACKD_DOWNLOADS (8), ${at(3)} (7)`,
      'skip-flat': `skip-flat false ${at(4)}`,
      'skip-layers': 'skip-layers false default',
      state: `* state ${scene.path('data')} --state default: ${scene.path('home/.local/state/unpackd')}`,
      'temporary-dir': `* temporary-dir /ducc DUCC_TMP_DIR default: ${scene.path('data')}`,
      'batch-size': 'batch-size 20GiB default',
      platforms: 'platforms none default',
      config: `config ${scene.config} default`,
    };
    for (const [key, line] of Object.entries(expected)) assert.equal(lines.get(key), line);
    assert.match(
      shown.stdout,
      new RegExp(`^configuration file: ${scene.config}\n4 options of ${KEYS.length} `),
    );
  });

  it('has values below each other', async () => {
    const { stdout } = await scene.run(['config', 'show']);
    const lines = stdout.split('\n\n')[1]?.split('\n') ?? [];
    const places = lines.map((line) => /^[* ] +\S+ +/.exec(line)?.[0].length);
    assert.equal(new Set(places).size, 1);
  });

  it('shows registries and sources, with the places of their secrets', async () => {
    const shown = await scene.run(['config', 'show'], {
      text: [
        'registries:',
        '  docker.io:',
        '    username: robot',
        '    password: file:hub-password',
        '    proxy: cache.example.org/hub',
        '    mirrors: [http://localhost:5000, mirror.example.org]',
        '    concurrency: 3',
        '    allow-http: true',
        'sources:',
        '  - git: https://git.example.org/list.git',
        '    username: env:GIT_USER',
        '    password: env:GIT_TOKEN',
        '  - file: recipe.yaml',
        '  - url: https://example.org/r.yaml',
        '    repositories: [a.example.org, b.example.org]',
        "    registries: ['*.example.org', quay.io/lab]",
        '    subdirectory: lab/tools',
        '    allow-http: false',
        '    limit: 7',
        '',
      ].join('\n'),
    });
    const text = shown.stdout.replace(/ {2,}/g, ' ');
    const at = (line: number): string => `${scene.config}:${line}`;
    assert.ok(
      text.endsWith(
        [
          '',
          'registries:',
          ` docker.io ${at(2)}`,
          ' username robot',
          ` password file:${scene.path('hub-password')}`,
          ' proxy cache.example.org/hub',
          ' mirrors http://localhost:5000, mirror.example.org',
          ' concurrency 3',
          ' allow-http true',
          '',
          "registries of DUCC's variables: none",
          '',
          'sources:',
          ` git.example.org/list ${at(10)}`,
          ' git https://git.example.org/list.git',
          ' path recipe.yaml',
          ' username env:GIT_USER',
          ' password env:GIT_TOKEN',
          ` ${scene.path('recipe.yaml')} ${at(13)}`,
          ` file ${scene.path('recipe.yaml')}`,
          ` example.org/r.yaml ${at(14)}`,
          ' url https://example.org/r.yaml',
          ' repositories a.example.org, b.example.org',
          ' registries *.example.org, quay.io/lab',
          ' subdirectory lab/tools',
          ' allow-http false',
          ' limit 7',
          '',
        ].join('\n'),
      ),
      text,
    );
  });

  it('has all of it as a document', async () => {
    const { stdout } = await scene.run(['config', 'show', '--json'], {
      text: 'wait: 3\nregistries:\n  quay.io:\n    mirrors: [m.example.org]\n',
      environment: { UNPACKD_WAIT: '90' },
    });
    const document = JSON.parse(stdout) as Record<string, unknown> & { options: { key: string }[] };
    assert.equal(document['file'], scene.config);
    assert.deepEqual(document['registries'], [
      { name: 'quay.io', origin: `${scene.config}:3`, settings: { mirrors: ['m.example.org'] } },
    ]);
    assert.deepEqual([document['duccRegistries'], document['sources']], [[], []]);
    assert.deepEqual(
      document.options.find(({ key }) => key === 'wait'),
      {
        key: 'wait',
        value: '90s',
        default: '10m',
        isDefault: false,
        origin: { kind: 'variable', name: 'UNPACKD_WAIT' },
        overrides: [{ origin: { kind: 'file', file: scene.config, line: 1 }, value: '3s' }],
      },
    );
  });

  it('works without a file', async () => {
    const { status, stdout } = await scene.run(['config', 'show']);
    assert.equal(status, 0);
    assert.ok(stdout.startsWith('configuration file: none\n0 options of '));
    assert.ok(stdout.endsWith("registries: none\n\nregistries of DUCC's variables: none\n\nsources: none\n"));
  });

  it('says each problem of a wrong configuration on a line of its own, in place of it', async () => {
    const shown = await scene.run(['config', 'show'], { text: 'wait: soon\nrot: x\n' });
    assert.deepEqual([shown.status, shown.stdout], [2, '']);
    assert.equal(shown.lines.length, 2);
    for (const line of shown.lines) assert.ok(line.startsWith('error[configuration-invalid] '));
  });
});

describe('daemon/configuration/inspection/show: what config commands print', () => {
  const SECRET = 'hunter2-of-a-test';
  let scene: Scene;

  beforeEach(async () => {
    scene = await Scene.make();
    await scene.write('password', `${SECRET}\n`);
    const auth = Buffer.from(`ada:${SECRET}`).toString('base64');
    await scene.write('docker.json', JSON.stringify({ auths: { 'quay.io': { auth } } }));
  });

  /** Somewhere a secret is said, and somewhere else it stands by mistake. */
  const cases: readonly (readonly [what: string, text: string, environment: Record<string, string>])[] = [
    ['a password in an address', '', { UNPACKD_STATE: `https://ada:${SECRET}@example.org/x` }],
    ['a password with a slash', '', { UNPACKD_STATE: `https://ada:a/${SECRET}/@example.org/x` }],
    ['a password in an address that is no value', '', { UNPACKD_WAIT: `https://ada:a/${SECRET}@host` }],
    ['a password in the file', `cvmfs-server: https://ada:1/${SECRET}@example.org\n`, {}],
    ['a password in a key', `https://ada:1/${SECRET}@example.org: x\n`, {}],
    ['a query', `cvmfs-server: https://example.org/x?${SECRET}\n`, {}],
    ['a query of a source', `sources:\n  - url: https://example.org/x?t=${SECRET}\n`, {}],
    ['a variable that is no option', '', { UNPACKD_PASSWORD: SECRET }],
    ['a password that stands in the file', `registries: {q.io: {username: a, password: ${SECRET}}}\n`, {}],
    ['a token of a source', `sources: [{url: "https://x.io/y", password: ${SECRET}}]\n`, {}],
    [
      "a password of DUCC's variables",
      `cvmfs-server: x-${SECRET}\n`,
      {
        DUCC_AUTH_REGISTRIES: 'A',
        DUCC_A_IDENT: 'https://quay.io',
        DUCC_A_USER: 'ada',
        DUCC_A_PASS: SECRET,
      },
    ],
    [
      'a password that a variable holds',
      `cvmfs-server: x-${SECRET}\nregistries: {q.io: {username: a, password: env:P}}\n`,
      { P: SECRET },
    ],
    [
      'a password that a file holds',
      `cvmfs-server: x-${SECRET}\nsources: [{url: "https://x.io/y", password: "file:password"}]\n`,
      {},
    ],
    ['a log-in of docker', `cvmfs-server: x-${SECRET}\ndocker-config: docker.json\n`, {}],
    ['a proxy', '', { HTTPS_PROXY: `ftp://ada:${SECRET}@proxy.example.org` }],
  ];
  for (const [what, text, environment] of cases) {
    it(`has no secret: ${what}`, async () => {
      for (const words of [['show'], ['show', '--json'], ['check'], ['check', '--json']]) {
        const { stdout, stderr } = await scene.run(['config', ...words], { text, environment });
        assert.ok(`${stdout}${stderr}`.length > 20);
        assert.equal(
          `${stdout}${stderr}`.includes('hunter2'),
          false,
          `${words.join(' ')}: ${stdout}${stderr}`,
        );
      }
    });
  }
});
