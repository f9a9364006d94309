import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MARKER } from '../../daemon/checking/formats/markdown.ts';
import { HostileRequest, SECRET, type Ending, type Work } from '../support/e2e/hostile-request.ts';
import { smallImage } from '../support/e2e/images.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { recipeText } from '../support/git/upstream.ts';
import { describeWith } from '../support/programs.ts';
import { FaultServer } from '../support/registry/fault-server.ts';
import { redirect, status as answer } from '../support/registry/faults.ts';
import { buildImage } from '../support/registry/image.ts';

/** Nothing may ask it. */
interface Scene {
  readonly registry: TestRegistry;
  /** A registry of the attacker's. */
  readonly theirs: FaultServer;
}

interface Attack {
  /** What the request is, beside the line of an image that is not there, or in place of it. */
  readonly make: (work: Work, scene: Scene) => Promise<unknown>;
  /** What is found, and with which status it ends. */
  readonly status: number;
  readonly found: RegExp;
  readonly variables?: Readonly<Record<string, string>>;
  /** Whether unpackd is installed by npm itself, which takes long. */
  readonly isInstalled?: true;
}

const HIDES = { status: 1, found: /image-unknown/ } as const;
const UNREADABLE = { status: 2, found: /recipe-unreadable/ } as const;
const FINE = `${MARKER}\n\n### Wishlist check: fine\n`;

const ATTACKS: Readonly<Record<string, Attack>> = {
  'a bare repository beside the recipe, whose configuration names programs': {
    ...HIDES,
    variables: { RECIPE: 'lists/recipe.yaml' },
    make: async ({ evil, folder, write }) =>
      await write({
        'lists/recipe.yaml': readFileSync(join(folder, 'recipe.yaml'), 'utf8'),
        'lists/HEAD': 'ref: refs/heads/main\n',
        'lists/refs/heads/main': `${'1'.repeat(40)}\n`,
        'lists/objects/keep': '',
        'lists/config': `[core]\n\trepositoryFormatVersion = 1\n\tbare = true\n\tsshCommand = ${evil}\n\tfsmonitor = ${evil}\n[extensions]\n\tpartialClone = origin\n[remote "origin"]\n\tpromisor = true\n\turl = ssh://h/x\n`,
      }),
  },
  'a submodule, attributes with filters, and settings of git': {
    ...HIDES,
    make: async ({ evil, git, write, baseCommit }) => {
      await write({
        '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = ext::${evil}\n\tupdate = !${evil}\n`,
        '.gitattributes': '* filter=evil diff=evil merge=evil\n',
        '.gitconfig': `[core]\n\tfsmonitor = ${evil}\n\thooksPath = hooks\n`,
        'hooks/post-checkout': `#!/bin/sh\n${evil}\n`,
      });
      git('update-index', '--add', '--cacheinfo', `160000,${baseCommit},x`);
    },
  },
  'settings and scripts of npm, node and others': {
    ...HIDES,
    isInstalled: true,
    make: async ({ evil, write }) => {
      const scripts = { preinstall: evil, install: evil, build: evil, prebuild: evil };
      await write({
        '.npmrc': `node-options=--require=./evil.cjs\nscript-shell=${evil}\nignore-scripts=false\n`,
        'package.json': JSON.stringify({ name: 'unpackd', version: '1.0.0', scripts, type: 'commonjs' }),
        'evil.cjs': `require('node:child_process').spawnSync('${evil}');\n`,
        'node_modules/.bin/node': `#!/bin/sh\n${evil}\n`,
        'node_modules/zod/index.js': `require('../../evil.cjs');\n`,
        'unpackd.yaml': 'allowed-registries: [evil.example]\n',
        '.env': `NODE_OPTIONS=--require=./evil.cjs\n`,
        Makefile: `all:\n\t${evil}\n`,
      });
    },
  },
  "a recipe that is a link to a secret file of the runner's": {
    ...UNREADABLE,
    make: async ({ link, secretFile }) => await link(secretFile, 'recipe.yaml'),
  },
  'a recipe that is a link to the settings of the work tree, with its token': {
    ...UNREADABLE,
    make: async ({ link }) => await link('.git/config', 'recipe.yaml'),
  },
  'a recipe below a link to a folder of the runner': {
    ...UNREADABLE,
    variables: { RECIPE: 'lists/secret' },
    make: async ({ link, secretFile }) => await link(join(secretFile, '..'), 'lists'),
  },
  'files that are called like the commit it is compared with': {
    ...HIDES,
    make: async ({ write, baseCommit, folder }) => {
      const recipe = readFileSync(join(folder, 'recipe.yaml'), 'utf8');
      await write({ 'HEAD^1': recipe, [baseCommit]: recipe });
    },
  },
  'reports that say that all is fine': {
    ...HIDES,
    make: async ({ write }) =>
      await write({
        'wishlist-check.md': FINE,
        'wishlist-check.xml/x.xml': '<testsuites tests="1" failures="0"/>',
        '.state/unpackd.db': 'no database\n',
      }),
  },
  'reports that are links to files of the runner': {
    ...HIDES,
    make: async ({ link, secretFile }) => {
      await link(secretFile, 'wishlist-check.md');
      await link(secretFile, 'wishlist-check.xml');
      await link(join(secretFile, '..'), '.state');
    },
  },
  'registries on the network of the runner': {
    status: 1,
    found: /address-refused/,
    variables: { UNPACKD_PUBLIC_ONLY: 'true' },
    make: async ({ write }, { registry, theirs }) => {
      const [, port = ''] = registry.host.split(':');
      const names = [registry.host, theirs.host].map((host) => `http://${host}/lab/tool:1.0`);
      await write({ 'recipe.yaml': recipeText(...names, `http://localhost:${port}/lab/tool:1.0`) });
    },
  },
  'commands to the runner, escape sequences and Markdown in its lines': {
    status: 1,
    found: /reference-invalid|key-unknown/,
    make: async ({ write }) => {
      const lines = [
        '::add-mask::a',
        '##[set-env name=PATH;]/evil',
        '##vso[task.setvariable variable=a]b',
        '\\r::error::x\\n::stop-commands::y',
        '\\e[31m\\e]0;title\\a\\e[2J',
        'section_start:1:x\\r\\e[0K',
        `</code>${MARKER}<img src=x> [all](http://evil.example) @lab/everybody #1 fixes #2`,
        '`) **no errors** ``',
        '| a | b |',
      ].map((line) => `  - "${line}"\n`);
      const keys = '"::error::key\\n::set-output name=a::b": 1\n"##[group]": 2\n';
      await write({
        'recipe.yaml': `version: 1\n${keys}cvmfs_repo: 'images.unpackd.test'\ninput:\n${lines.join('')}`,
      });
    },
  },
  'a registry that answers otherwise when it is asked again': {
    status: 1,
    found: /tag-unknown|image-unknown/,
    make: async ({ write }, { theirs }) => {
      theirs.addImage('lab/tool', '1', buildImage({ layers: [] }));
      theirs.fail(/manifests/, answer(404), 1);
      await write({ 'recipe.yaml': recipeText(`http://${theirs.host}/lab/tool:1`) });
    },
  },
  'a registry whose errors are commands and Markdown': {
    status: 1,
    found: /forbidden|unauthorized/,
    make: async ({ write }, { theirs }) => {
      const message = `\n::add-mask::a\n##[error]b\u001b[2J\r${MARKER} [fine](http://evil.example) @lab/everybody`;
      const body = JSON.stringify({ errors: [{ code: 'DENIED', message, detail: message }] });
      theirs.fail(/./, (response) => response.writeHead(403).end(body));
      await write({ 'recipe.yaml': recipeText(`http://${theirs.host}/lab/tool:1`) });
    },
  },
  'a registry that leads to a name with a command in it': {
    status: 0,
    found: /registry-(?:unreachable|error)|dns-failed/,
    make: async ({ write }, { theirs }) => {
      theirs.fail(/./, redirect('http://%3A%3Aerror%3A%3A/##[error]x'));
      await write({ 'recipe.yaml': recipeText(`http://${theirs.host}/lab/tool:1`) });
    },
  },
  'YAML that grows when it is read': {
    status: 2,
    found: /recipe-(?:unreadable|invalid)/,
    make: async ({ write }) => {
      const levels = Array.from({ length: 30 }, (_, level) => {
        const before = level === 0 ? '"x"' : `*a${level - 1}`;
        return `a${level}: &a${level} [${Array(10).fill(before).join(', ')}]\n`;
      });
      await write({ 'recipe.yaml': levels.join('') });
    },
  },
  'a folder in place of its recipe': {
    ...UNREADABLE,
    make: async ({ git, write }) => {
      git('rm', '--quiet', '--force', 'recipe.yaml');
      await write({ 'recipe.yaml/::error::x': '' });
    },
  },
};

describeWith(['git'], 'e2e/hostile-requests', () => {
  let scene: Scene;

  beforeEach(async () => {
    const registry = await TestRegistry.start();
    registry.add('lab/tool', '1.0', await smallImage('tool'));
    scene = { registry, theirs: await FaultServer.start() };
  });

  afterEach(async () => {
    await scene.registry.close();
    await scene.theirs.close();
  });

  for (const [what, attack] of Object.entries(ATTACKS)) {
    for (const server of ['Github', 'Gitlab'] as const) {
      it(`${what}, at ${server}`, async () => {
        const { registry, theirs } = scene;
        const tool = `http://${registry.host}/lab/tool:1.0`;
        const request = await HostileRequest.create(recipeText(tool), attack.isInstalled === true);
        const { work } = request;
        await work.write({ 'recipe.yaml': recipeText(tool, `http://${registry.host}/lab/gone:1`) });
        await attack.make(work, scene);
        request.submit();
        registry.requests();
        const ending = await request[`checkAt${server}`]({
          ALLOWED_REGISTRIES: [registry.host, theirs.host, `localhost:${registry.host.split(':')[1]}`].join(
            ',',
          ),
          UNPACKD_PUBLIC_ONLY: 'false',
          ...attack.variables,
        });
        assert.equal(ending.ran, '', 'nothing of the request runs');
        assert.equal(ending.status, attack.status, ending.log);
        assert.match(ending.comment ?? '', attack.found);
        assertSafe(ending);
        assertTrue(ending);
        assert.equal(readFileSync(work.secretFile, 'utf8'), `password: ${SECRET}\n`);
        if (attack.variables?.['UNPACKD_PUBLIC_ONLY'] === 'true')
          assert.deepEqual([...registry.requests(), ...theirs.seen, ...theirs.seenAtBase], []);
      });
    }
  }
});

/** No secret comes out, and nothing but unpackd gives commands to the runner. */
function assertSafe({ log, comment = '', junit = '' }: Ending): void {
  for (const text of [log, comment, junit]) assert.ok(!text.includes(SECRET), text);
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(log, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]|##[a-z]*\[/i);
  for (const line of log.split('\n').filter((one) => one.trimStart().startsWith('::')))
    assert.match(line, /^::(?:error|warning|notice) file=[^,:]+,line=\d+,[^:]*title=[a-z-]+::/);
}

/** The comment is one of ours, and says what the status does. */
function assertTrue({ status, comment = '', junit }: Ending): void {
  const [marker, , title = '', ...rest] = comment.split('\n');
  assert.equal(marker, MARKER);
  assert.equal(/^### Wishlist check: \d+ errors? to correct$/.test(title), status !== 0, title);
  const [, failures] = /<testsuites[^>]* failures="(\d+)"/.exec(junit ?? '<testsuites failures="1"') ?? [];
  if (status !== 0) assert.notEqual(failures, '0');
  // What stands outside of code spans is words of unpackd.
  const prose = rest.join('\n').replaceAll(/(`+)(?:(?!`).|(?!\1)`)*?\1(?!`)/g, '');
  assert.doesNotMatch(prose, /https?:|@|<(?!br>|details>|\/details>|summary>|\/summary>)|\]\(|#\d/, prose);
}
