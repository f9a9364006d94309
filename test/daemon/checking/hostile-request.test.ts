import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readBases, readRecipeSource } from '../../../daemon/checking/recipe-source.ts';
import { isFailure } from '../../../core/failure.ts';
import { recipeText } from '../../support/git/upstream.ts';
import { describeWith } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const [BEFORE, AFTER] = ['quay.io/lab/tool:1', 'quay.io/lab/tool:2'];
const MISSING = '1'.repeat(40);

/** The work tree of a request: `HEAD^1` is what it changes. Whatever would run writes the file `marker`. */
interface Request {
  readonly top: string;
  readonly evil: string;
  readonly marker: string;
  readonly git: (...words: readonly string[]) => string;
  readonly write: (files: Readonly<Record<string, string>>) => Promise<void>;
}

async function makeRequest(): Promise<Request> {
  const top = await temporaryDirectory('request');
  const elsewhere = await temporaryDirectory('marker');
  const [evil, marker] = [join(elsewhere, 'evil'), join(elsewhere, 'was-here')];
  await writeFile(evil, `#!/bin/sh\necho "$0 $*" >>${marker}\n`, { mode: 0o755 });
  const user = ['-c', 'user.name=somebody', '-c', 'user.email=somebody@example.org'];
  const git = (...words: readonly string[]): string =>
    execFileSync('git', ['-C', top, ...user, ...words], { encoding: 'utf8' }).trim();
  const write = async (files: Readonly<Record<string, string>>): Promise<void> => {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(top, name)), { recursive: true });
      await writeFile(join(top, name), content);
    }
  };
  git('init', '--quiet', '--initial-branch', 'main');
  await write({ 'lists/recipe.yaml': recipeText(BEFORE) });
  git('add', '.');
  git('commit', '--quiet', '--message', 'before');
  await write({ 'lists/recipe.yaml': recipeText(AFTER) });
  git('commit', '--quiet', '--all', '--message', 'after');
  return { top, evil, marker, git, write };
}

/** Configuration that has git run `evil` as soon as it wants an object that is not there, or anything else. */
function evilConfig(evil: string, url: string, more: readonly string[] = []): string {
  return [
    '[core]',
    'repositoryFormatVersion = 1',
    'bare = true',
    `sshCommand = ${evil}`,
    `fsmonitor = ${evil}`,
    `pager = ${evil}`,
    `askPass = ${evil}`,
    `hooksPath = ${dirname(evil)}`,
    `alternateRefsCommand = ${evil}`,
    '[extensions]',
    'partialClone = origin',
    '[protocol]',
    'allow = always',
    '[remote "origin"]',
    'promisor = true',
    `url = ${url}`,
    `uploadPack = ${evil}`,
    '[credential]',
    `helper = ${evil}`,
    ...more,
    '',
  ].join('\n');
}

/** What git takes for a repository where it looks for one in `folder`. */
function repositoryFiles(folder: string, config: string): Record<string, string> {
  return {
    [`${folder}/HEAD`]: 'ref: refs/heads/main\n',
    [`${folder}/refs/heads/main`]: `${MISSING}\n`,
    [`${folder}/objects/keep`]: '',
    [`${folder}/config`]: config,
  };
}

type Attack = (request: Request) => Promise<unknown>;

const REMOTES: Readonly<Record<string, (request: Request) => string>> = {
  'over SSH': () => 'ssh://host.invalid/x',
  'with a program': ({ evil }) => `ext::${evil}`,
  'on this machine': ({ top }) => top,
  'of a helper': () => 'evil::x',
};

const ATTACKS: Readonly<Record<string, Attack>> = {
  ...Object.fromEntries(
    Object.entries(REMOTES).map(([how, url]) => [
      `a bare repository beside the recipe, with a remote ${how}`,
      async (request: Request) =>
        await request.write(repositoryFiles('lists', evilConfig(request.evil, url(request)))),
    ]),
  ),
  'a bare repository beside the recipe, with a work tree elsewhere': async ({ evil, top, write }) =>
    await write(repositoryFiles('lists', evilConfig(evil, 'ssh://h/x', ['[core]', `worktree = ${top}`]))),
  'a .git folder beside the recipe': async ({ evil, write }) =>
    await write(repositoryFiles('lists/.git', evilConfig(evil, 'ssh://h/x'))),
  'a .git file beside the recipe, that names a folder of the request': async ({ evil, write }) => {
    await write(repositoryFiles('other', evilConfig(evil, 'ssh://h/x')));
    await write({ 'lists/.git': 'gitdir: ../other\n' });
  },
  'a submodule in place of the folder, with a history of its own': async ({ git, write }) => {
    git('-C', 'lists', 'init', '--quiet');
    for (const message of ['before', 'after']) {
      await write({ 'lists/note': message });
      git('-C', 'lists', 'add', '.');
      git('-C', 'lists', 'commit', '--quiet', '--message', message);
    }
  },
  'objects of another repository': async ({ write, top }) => {
    await write({
      'lists/.git/HEAD': 'ref: refs/heads/main\n',
      'lists/.git/config': '[core]\n',
      'lists/.git/refs/heads/main': await readFile(join(top, '.git/refs/heads/main'), 'utf8'),
      'lists/.git/objects/info/alternates': `${join(top, '.git/objects')}\n`,
    });
  },
  'a file of the name of the commit': async ({ write }) =>
    await write({ 'HEAD^1': recipeText(AFTER), 'lists/HEAD^1': recipeText(AFTER) }),
  'filters, and drivers for differences': async ({ evil, git, write }) => {
    await write({ '.gitattributes': '* filter=evil diff=evil\n', 'lists/.gitattributes': '* filter=evil\n' });
    for (const key of ['diff.evil.textconv', 'diff.evil.command', 'filter.evil.smudge'])
      git('config', key, evil);
  },
  'submodules and their addresses': async ({ evil, write }) =>
    await write({
      '.gitmodules': `[submodule "x"]\n\tpath = lists/x\n\turl = ext::${evil}\n\tupdate = !${evil}\n`,
    }),
};

describeWith(['git'], 'daemon/checking/hostile-request: a request with', () => {
  for (const [what, attack] of Object.entries(ATTACKS)) {
    for (const where of ['the top level', 'elsewhere']) {
      it(`${what} runs nothing and changes no base, checked from ${where}`, async () => {
        const request = await makeRequest();
        await attack(request);
        const currentDirectory = where === 'elsewhere' ? '/' : request.top;
        const { evil } = request;
        const environment = { ...process.env, GIT_SSH_COMMAND: evil, GIT_DIR: join(request.top, 'lists') };
        const file = join(request.top, 'lists/recipe.yaml');
        const [base] = await readBases('HEAD^1', [file], {
          environment,
          signal: undefined,
          currentDirectory,
        });
        assert.ok(base !== undefined && !isFailure(base));
        assert.deepEqual(
          base.wishes.map(({ text }) => text),
          [BEFORE],
        );
        assert.equal(existsSync(request.marker), false);
      });
    }
  }

  for (const [how, url] of Object.entries(REMOTES)) {
    it(`objects that its own repository lacks runs nothing for a remote ${how}`, async () => {
      const request = await makeRequest();
      const blob = request.git('rev-parse', 'HEAD^1:lists/recipe.yaml');
      request.git('update-ref', 'refs/heads/lost', 'HEAD');
      await request.write({
        '.git/config': evilConfig(request.evil, url(request)).replace('bare = true', ''),
      });
      execFileSync('rm', [join(request.top, '.git/objects', blob.slice(0, 2), blob.slice(2))]);
      const context = { environment: process.env, signal: undefined, currentDirectory: request.top };
      await assert.rejects(readBases('HEAD^1', ['lists/recipe.yaml'], context), (error) =>
        isFailure(error, 'configuration-invalid'),
      );
      await assert.rejects(readBases(MISSING, ['lists/recipe.yaml'], context), (error) =>
        isFailure(error, 'configuration-invalid'),
      );
      assert.equal(existsSync(request.marker), false);
    });
  }

  it('a recipe that was a symbolic link before has no base', async () => {
    const { top, git, write } = await makeRequest();
    await symlink('/etc/hostname', join(top, 'lists/other.yaml'));
    git('add', '.');
    git('commit', '--quiet', '--message', 'a link');
    execFileSync('rm', [join(top, 'lists/other.yaml')]);
    await write({ 'lists/other.yaml': recipeText(AFTER) });
    const context = { environment: process.env, signal: undefined, currentDirectory: top };
    assert.deepEqual(await readBases('HEAD', ['lists/other.yaml'], context), [undefined]);
  });
});

describeWith(['git'], 'daemon/checking/hostile-request: a recipe in a request', () => {
  const LINKS: Readonly<Record<string, Attack>> = {
    'is a symbolic link to a file of the machine': async ({ top }) =>
      await symlink('/etc/passwd', join(top, 'evil.yaml')),
    'is a symbolic link to a file of the request': async ({ top }) =>
      await symlink('lists/recipe.yaml', join(top, 'evil.yaml')),
    'is a symbolic link to nothing': async ({ top }) => await symlink('/nonexistent', join(top, 'evil.yaml')),
  };
  for (const [what, attack] of Object.entries(LINKS)) {
    it(`is refused where it ${what}`, async () => {
      const request = await makeRequest();
      await attack(request);
      for (const [file, from] of [
        ['evil.yaml', request.top],
        [join(request.top, 'evil.yaml'), '/'],
      ] as const) {
        const { content, lines } = await readRecipeSource(file, from);
        assert.ok(isFailure(content, 'recipe-unreadable'));
        assert.match(content.message, /is a symbolic link$/);
        assert.deepEqual(lines, []);
      }
    });
  }

  it('is refused below a folder that is a symbolic link, with and without a repository', async () => {
    const outside = await temporaryDirectory('outside');
    await writeFile(join(outside, 'recipe.yaml'), 'root:secret\n');
    const { top } = await makeRequest();
    const plain = await temporaryDirectory('no-repository');
    for (const folder of [top, plain]) {
      await symlink(outside, join(folder, 'linked'));
      const { content, lines } = await readRecipeSource('linked/recipe.yaml', folder);
      assert.ok(isFailure(content, 'recipe-unreadable'));
      assert.match(content.message, /linked" is a symbolic link$/);
      assert.deepEqual(lines, []);
    }
  });

  it('may lie where links of the machine lead', async () => {
    const { top } = await makeRequest();
    const way = join(await temporaryDirectory('way'), 'link');
    await symlink(top, way);
    const { content } = await readRecipeSource(join(way, 'lists/recipe.yaml'), '/');
    assert.ok(!isFailure(content));
  });
});
