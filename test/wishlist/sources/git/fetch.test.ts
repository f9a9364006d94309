import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Failure } from '../../../../core/failure.ts';
import { GitHttpServer } from '../../../support/git/http-server.ts';
import { recipeText, Upstream, type Content } from '../../../support/git/upstream.ts';
import { describeWith } from '../../../support/programs.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { gitAt, Reader, summary, timeOf } from '../reading.ts';

const [OLD, NEW] = ['docker.io/library/old:1', 'docker.io/library/new:2'];

/** What is in force where nothing is wrong. */
function current(...images: string[]): ReturnType<typeof summary> {
  return { images, code: undefined, failingSince: undefined };
}

describeWith(['git'], 'wishlist/sources/git/fetch', () => {
  let upstream: Upstream;
  let server: GitHttpServer;
  let reader: Reader;

  beforeEach(async function () {
    upstream = await Upstream.create();
    server = await GitHttpServer.start(upstream.root);
    reader = await Reader.create();
  });

  afterEach(async () => {
    await server.close();
  });

  const source = (settings: Parameters<typeof gitAt>[1] = {}) =>
    gitAt(`${server.url}/${upstream.name}`, settings);

  it('says what its default branch says, and which commit that is', async () => {
    const hash = await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    const state = await reader.read(source());
    const commit = { hash, author: 'Ada Test', date: '2024-05-01T10:00:00+02:00' };
    assert.deepEqual(summary(state), current(OLD));
    assert.deepEqual(state.content?.commit, commit);
    assert.deepEqual([state.content?.since, state.fetchedAt], [timeOf(1), timeOf(1)]);
    assert.deepEqual(state.content?.recipes[0]?.wishes[0]?.origin, {
      source: 'wishlist',
      file: 'wishlist/recipe.yaml',
      commit,
    });
  });

  it('can be a path on this machine', async () => {
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    assert.deepEqual(summary(await reader.read(gitAt(upstream.path))), current(OLD));
    const url = gitAt(`file://${upstream.path}`);
    assert.deepEqual(summary(await reader.read(url)), current(OLD));
  });

  it('follows a push, and tells since when its content is in force', async () => {
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    await reader.read(source());
    await reader.read(source());
    await upstream.push({ 'recipe.yaml': recipeText(OLD, NEW) });
    const state = await reader.read(source());
    assert.deepEqual(summary(state), current(OLD, NEW));
    const again = await reader.read(source());
    assert.deepEqual([again.content?.since, again.fetchedAt], [timeOf(3), timeOf(4)]);
  });

  it('follows a forced push', async () => {
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    await reader.read(source());
    await upstream.forcePush({ 'recipe.yaml': recipeText(NEW) });
    assert.deepEqual(summary(await reader.read(source())), current(NEW));
  });

  it('follows the default branch when another becomes it', async () => {
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    await upstream.push({ 'recipe.yaml': recipeText(NEW) }, 'trunk');
    await reader.read(source());
    await upstream.setDefaultBranch('trunk');
    assert.deepEqual(summary(await reader.read(source())), current(NEW));
  });

  it('stays with the branch that its settings name', async () => {
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    await upstream.push({ 'recipe.yaml': recipeText(NEW) }, 'people/ada');
    assert.deepEqual(summary(await reader.read(source({ branch: 'people/ada' }))), current(NEW));
  });

  it('keeps its last content when its branch is deleted, and goes on when it is back', async () => {
    await upstream.push({ 'recipe.yaml': recipeText(OLD) }, 'list');
    const settings = source({ branch: 'list' });
    await reader.read(settings);
    await upstream.deleteBranch('list');
    const failing = { images: [OLD], code: 'source-invalid', failingSince: timeOf(2) };
    assert.deepEqual(summary(await reader.read(settings)), failing);
    assert.deepEqual(summary(await reader.read(settings)), failing);
    await upstream.push({ 'recipe.yaml': recipeText(NEW) }, 'list');
    assert.deepEqual(summary(await reader.read(settings)), current(NEW));
  });

  it('keeps its last content while the server is down', async () => {
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    const settings = source();
    await reader.read(settings);
    await server.close();
    for (let time = 0; time < 2; time += 1) {
      const state = await reader.read(settings);
      assert.deepEqual(summary(state), {
        images: [OLD],
        code: 'source-unreachable',
        failingSince: timeOf(2),
      });
      assert.equal(state.fetchedAt, timeOf(1));
    }
    await upstream.push({ 'recipe.yaml': recipeText(NEW) });
    server = await GitHttpServer.start(upstream.root, { port: server.port });
    assert.deepEqual(summary(await reader.read(settings)), current(NEW));
  });

  it('is unknown, not empty, where it never worked', async () => {
    const settings = source();
    await server.close();
    const state = await reader.read(settings);
    assert.deepEqual(summary(state), {
      images: undefined,
      code: 'source-unreachable',
      failingSince: timeOf(1),
    });
    assert.equal(state.fetchedAt, undefined);
  });

  it('is unknown where the settings name another place under the same name', async () => {
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    await reader.read(source());
    const elsewhere = gitAt(`${server.url}/elsewhere.git`);
    assert.deepEqual(summary(await reader.read(elsewhere)), {
      images: undefined,
      code: 'source-invalid',
      failingSince: timeOf(2),
    });
    const other = await Upstream.create(upstream.root, 'other.git');
    await other.push({ 'recipe.yaml': recipeText(NEW) });
    const state = await reader.read(gitAt(`${server.url}/other.git`));
    assert.deepEqual(summary(state), current(NEW));
  });

  it('has several recipes', async () => {
    await upstream.push({ 'a.yaml': recipeText(OLD), 'lists/b.yaml': recipeText(NEW) });
    const state = await reader.read(source({ paths: ['a.yaml', 'lists/b.yaml'] }));
    assert.deepEqual(summary(state), current(OLD, NEW));
    assert.deepEqual(
      state.content?.recipes.map(({ file }) => file),
      ['wishlist/a.yaml', 'wishlist/lists/b.yaml'],
    );
  });

  const unusable: Readonly<Record<string, readonly [content: Content, code: string]>> = {
    'is no YAML': ['input: [', 'recipe-unreadable'],
    'is no recipe': ['version: 1\n', 'recipe-invalid'],
    'is empty': ['', 'recipe-invalid'],
    'is no UTF-8': [Buffer.from([0x61, 0xff]), 'recipe-unreadable'],
    'is a symbolic link to a file of the machine': [{ link: '/etc/passwd' }, 'source-invalid'],
    'is a symbolic link within the repository': [{ link: 'other.yaml' }, 'source-invalid'],
    'has 100 MB': [Buffer.alloc(100_000_000, '#'), 'source-invalid'],
  };
  for (const [what, [content, code]] of Object.entries(unusable)) {
    it(`keeps its last content when the recipe ${what}`, async () => {
      await upstream.push({ 'recipe.yaml': recipeText(OLD), 'other.yaml': recipeText(NEW) });
      await reader.read(source());
      await upstream.push({ 'recipe.yaml': content });
      const failing = { images: [OLD], code, failingSince: timeOf(2) };
      assert.deepEqual(summary(await reader.read(source())), failing);
      await upstream.push({ 'recipe.yaml': recipeText(NEW) });
      assert.deepEqual(summary(await reader.read(source())), current(NEW));
    });
  }

  const misplaced: Readonly<Record<string, Readonly<Record<string, Content>>>> = {
    'where there is no such file': { 'other.yaml': recipeText(NEW) },
    'where it is a directory': { 'lists/recipe.yaml/x': 'x' },
    'where the way to it is a symbolic link': { lists: { link: '/etc' } },
    'where the way to it leads out of the repository': { lists: { link: '..' } },
  };
  for (const [what, files] of Object.entries(misplaced)) {
    it(`is invalid ${what}`, async () => {
      await upstream.push(files);
      const state = await reader.read(source({ paths: ['lists/recipe.yaml'] }));
      assert.deepEqual(summary(state), {
        images: undefined,
        code: 'source-invalid',
        failingSince: timeOf(1),
      });
    });
  }

  it('is invalid where the repository has no commit', async () => {
    assert.equal(summary(await reader.read(source())).code, 'source-invalid');
  });

  it('runs no hooks and no filters, and follows no configuration of the repository or the user', async () => {
    const marker = join(await temporaryDirectory('marker'), 'was-here');
    await upstream.push({
      'recipe.yaml': recipeText(OLD),
      '.gitattributes': '* filter=evil diff=evil\n',
      '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = ext::touch ${marker}\n`,
      '.lfsconfig': `[lfs]\n\turl = ext::touch ${marker}\n`,
    });
    const home = await temporaryDirectory('home');
    const evil = `#!/bin/sh\ntouch ${marker}\n`;
    await writeFile(join(home, 'evil'), evil, { mode: 0o755 });
    const lines = ['[core]', `hooksPath = ${home}`, `sshCommand = ${home}/evil`, `askPass = ${home}/evil`];
    lines.push('[filter "evil"]', `smudge = ${home}/evil`, '[credential]', `helper = ${home}/evil`);
    lines.push('[url "http://127.0.0.1:1"]', `insteadOf = ${server.url}`);
    await writeFile(join(home, '.gitconfig'), lines.join('\n'));
    for (const hook of ['reference-transaction', 'post-checkout', 'fsmonitor-watchman']) {
      await writeFile(join(home, hook), evil, { mode: 0o755 });
    }
    const environment = { PATH: process.env['PATH'], HOME: home, GIT_ASKPASS: `${home}/evil` };
    const careful = await Reader.create({ environment });
    await careful.read(source());
    await mkdir(join(careful.clone, 'hooks'), { recursive: true });
    await writeFile(join(careful.clone, 'hooks/reference-transaction'), evil, { mode: 0o755 });
    await upstream.push({ 'recipe.yaml': recipeText(NEW) });
    assert.deepEqual(summary(await careful.read(source())), current(NEW));
    assert.deepEqual(await readdir(join(marker, '..')), []);
  });

  const damages: Readonly<Record<string, (clone: string) => Promise<void>>> = {
    'has lost all objects': async (clone) => await rm(join(clone, 'objects/pack'), { recursive: true }),
    'has a pack that is cut off': async (clone) => {
      for (const name of await readdir(join(clone, 'objects/pack'))) {
        const path = join(clone, 'objects/pack', name);
        await chmod(path, 0o600);
        if (name.endsWith('.pack')) await truncate(path, 20);
      }
    },
    'has locks that a crash left': async (clone) => {
      await writeFile(join(clone, 'shallow.lock'), '');
      await writeFile(join(clone, 'refs/unpackd/head.lock'), '');
    },
    'has no HEAD': async (clone) => await rm(join(clone, 'HEAD')),
    'has a configuration that is none': async (clone) => await writeFile(join(clone, 'config'), '[broken'),
    'has a reference to nothing': async (clone) =>
      await writeFile(join(clone, 'refs/unpackd/head'), `${'1'.repeat(40)}\n`),
    'is an empty directory': async (clone) => {
      await rm(clone, { recursive: true });
      await mkdir(clone);
    },
    'is a file': async (clone) => {
      await rm(clone, { recursive: true });
      await writeFile(clone, 'x');
    },
  };
  for (const [what, damage] of Object.entries(damages)) {
    for (const isPushed of [false, true]) {
      it(`makes its clone anew where that ${what}${isPushed ? ', and something was pushed' : ''}`, async () => {
        await upstream.push({ 'recipe.yaml': recipeText(OLD) });
        await reader.read(source());
        await damage(reader.clone);
        if (isPushed) await upstream.push({ 'recipe.yaml': recipeText(NEW) });
        assert.deepEqual(summary(await reader.read(source())), current(isPushed ? NEW : OLD));
        assert.deepEqual(summary(await reader.read(source())), current(isPushed ? NEW : OLD));
      });
    }
  }

  it('does not use what a crash left half done, and removes it after a while', async () => {
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    await reader.read(source());
    const [fresh, old] = ['claimed-1.git', 'claimed-2.git'].map((name) => join(reader.folder, name));
    assert.ok(fresh !== undefined && old !== undefined);
    await rename(reader.clone, fresh);
    await mkdir(old);
    await utimes(old, 0, 0);
    assert.deepEqual(summary(await reader.read(source())), current(OLD));
    const names = await readdir(reader.folder);
    assert.deepEqual(
      names.filter((name) => name.endsWith('.git')),
      ['claimed-1.git', 'repository.git'],
    );
  });

  it('counts what is kept on disk for nothing where that is damaged', async () => {
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    const settings = source();
    await reader.read(settings);
    await writeFile(join(reader.folder, 'content.json'), '{"files":');
    await writeFile(join(reader.folder, 'status.json'), '[]');
    await server.close();
    assert.deepEqual(summary(await reader.read(settings)), {
      images: undefined,
      code: 'source-unreachable',
      failingSince: timeOf(2),
    });
  });

  it('does not let its clone grow for ever', async () => {
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    await reader.read(source());
    for (let number = 0; number < 50; number += 1) {
      await writeFile(join(reader.clone, `objects/pack/pack-${number}.pack`), '');
    }
    assert.deepEqual(summary(await reader.read(source())), current(OLD));
    assert.equal((await readdir(reader.folder)).includes('repository.git'), false);
  });

  it('takes no more than its limit, and goes on when it is small again', async () => {
    const limited = await Reader.create({ sizeLimitBytes: 1_000_000 });
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    await limited.read(source());
    await upstream.push({ large: randomBytes(3_000_000) });
    const failing = { images: [OLD], code: 'source-invalid', failingSince: timeOf(2) };
    assert.deepEqual(summary(await limited.read(source())), failing);
    const [bytes] = await packBytes(limited.folder);
    assert.ok(bytes === undefined || bytes < 1_000_000);
    await upstream.forcePush({ 'recipe.yaml': recipeText(NEW) });
    assert.deepEqual(summary(await limited.read(source())), current(NEW));
  });

  it('keeps no clone that has grown over its limit', async () => {
    const limited = await Reader.create({ sizeLimitBytes: 1_000_000 });
    for (const name of ['a', 'b']) {
      await upstream.forcePush({ 'recipe.yaml': recipeText(OLD), [name]: randomBytes(700_000) });
      assert.deepEqual(summary(await limited.read(source())), current(OLD));
    }
    assert.deepEqual(await packBytes(limited.folder), []);
  });

  it('gives git little memory, and room for no core', async () => {
    const folder = await temporaryDirectory('limits');
    const script = `#!/bin/sh\n{ ulimit -v; ulimit -c; } >${folder}/limits\nexit 1\n`;
    await writeFile(join(folder, 'git'), script, { mode: 0o755 });
    const environment = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    await (await Reader.create({ environment })).read(source());
    assert.equal(await readFile(join(folder, 'limits'), 'utf8'), `${2 ** 20}\n0\n`);
  });

  it('ends a git that does not stop talking', async () => {
    const folder = await temporaryDirectory('talkative');
    const script =
      '#!/bin/sh\nwhile :; do echo "remote: so much to tell, and nobody who listens" >&2; done\n';
    await writeFile(join(folder, 'git'), script, { mode: 0o755 });
    const environment = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    const talkative = await Reader.create({ environment });
    assert.equal(summary(await talkative.read(source())).code, 'source-invalid');
    assert.deepEqual(await processesIn(talkative.directory), []);
  });

  it('serves two readers at once', async () => {
    await upstream.push({ 'recipe.yaml': recipeText(OLD) });
    await reader.read(source());
    const states = await Promise.all([reader.read(source()), reader.read(source()), reader.read(source())]);
    for (const state of states) assert.deepEqual(summary(state), current(OLD));
    const clones = (await readdir(reader.folder)).filter((name) => name.endsWith('.git'));
    assert.deepEqual(clones, ['repository.git']);
  });

  it('is one of ten that are asked at once, of which some fail', async () => {
    const names = Array.from({ length: 10 }, (_, number) => `list-${number}.git`);
    for (const name of names.filter((_, number) => number % 3 !== 2)) {
      const one = await Upstream.create(upstream.root, name);
      await one.push({ 'recipe.yaml': recipeText(`docker.io/library/${name}:1`) });
    }
    const states = await reader.readAll(names.map((name) => gitAt(`${server.url}/${name}`, { name })));
    assert.deepEqual(
      states.map((state) => [state.name, summary(state).images?.[0], summary(state).code]),
      names.map((name, number) =>
        number % 3 === 2
          ? [name, undefined, 'source-invalid']
          : [name, `docker.io/library/${name}:1`, undefined],
      ),
    );
  });

  it('is unreachable where the server accepts and says nothing', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const address = silent.address();
    assert.ok(address !== null && typeof address === 'object');
    try {
      const impatient = await Reader.create({ timeLimitMs: 500 });
      const state = await impatient.read(gitAt(`http://127.0.0.1:${address.port}/x.git`));
      assert.equal(summary(state).code, 'source-unreachable');
      assert.deepEqual(await processesIn(impatient.directory), []);
    } finally {
      silent.close();
    }
  });

  it('ends with all its processes when the run is interrupted', async () => {
    const controller = new AbortController();
    const reason = new Failure('interrupted', 'a test');
    const silent = createServer(() => controller.abort(reason)).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const address = silent.address();
    assert.ok(address !== null && typeof address === 'object');
    try {
      const interrupted = await Reader.create({ signal: controller.signal });
      const settings = gitAt(`http://127.0.0.1:${address.port}/x.git`);
      await assert.rejects(interrupted.read(settings), (error) => error === reason);
      assert.deepEqual(await processesIn(interrupted.directory), []);
      assert.deepEqual(await readdir(interrupted.folder), []);
    } finally {
      silent.close();
    }
  });
});

/** Of each pack below `folder`. */
async function packBytes(folder: string): Promise<number[]> {
  const names = await readdir(folder, { recursive: true });
  const packs = names.filter((name) => name.includes('objects/pack/') && !name.endsWith('.idx'));
  return await Promise.all(packs.map(async (name) => (await stat(join(folder, name))).size));
}

/** Processes that work below `directory`, by their numbers. @see proc(5) */
async function processesIn(directory: string): Promise<string[]> {
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    numbers.map(async (number) => {
      const cwd = await readlink(`/proc/${number}/cwd`).catch(() => '');
      return cwd.startsWith(directory) ? [number] : [];
    }),
  );
  return found.flat();
}
