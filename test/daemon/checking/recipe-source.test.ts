import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readBaseFile, readBases, type Base } from '../../../daemon/checking/recipe-source.ts';
import { isFailure } from '../../../core/failure.ts';
import { describeWith } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const RECIPE = "version: 1\ncvmfs_repo: images.example.org\ninput:\n  - 'quay.io/lab/tool:1'\n";

describeWith(['git'], 'daemon/checking/recipe-source', () => {
  let folder: string;
  before(async function () {
    folder = await temporaryDirectory('base');
    mkdirSync(join(folder, 'lists'));
    git('init', '--quiet', '--initial-branch', 'main');
    writeFileSync(join(folder, 'lists/[a] recipe.yaml'), RECIPE);
    writeFileSync(join(folder, 'lists/broken.yaml'), 'input: [\n');
    writeFileSync(join(folder, '.gitattributes'), '*.yaml diff=evil filter=evil\n');
    git('add', '.');
    git('commit', '--quiet', '--message', 'one');
    git('tag', 'one');
    git('config', 'diff.evil.textconv', 'false');
    writeFileSync(join(folder, 'lists/[a] recipe.yaml'), RECIPE.replace('tool:1', 'tool:2'));
    writeFileSync(join(folder, 'lists/new.yaml'), RECIPE);
  });

  function git(...words: readonly string[]): void {
    const user = ['-c', 'user.name=somebody', '-c', 'user.email=somebody@example.org'];
    execFileSync('git', ['-C', folder, ...user, ...words]);
  }

  async function basesAt(ref: string, files: readonly string[]): Promise<Base[]> {
    return await readBases(ref, files, {
      environment: process.env,
      signal: undefined,
      currentDirectory: folder,
    });
  }

  function imagesOf(base: Base): unknown {
    if (base === undefined || isFailure(base)) return base?.code;
    return base.wishes.map(({ text }) => text);
  }

  for (const ref of ['main', 'HEAD', 'one', 'refs/heads/main', 'HEAD^0']) {
    it(`at ${ref}`, async () => {
      const [base] = await basesAt(ref, [join(folder, 'lists/[a] recipe.yaml')]);
      assert.deepEqual(imagesOf(base), ['quay.io/lab/tool:1']);
    });
  }

  it('of several recipes: each its own, nothing where it was not there, a failure where it was none', async () => {
    const files = ['[a] recipe.yaml', 'new.yaml', 'broken.yaml'].map((name) => join(folder, 'lists', name));
    const bases = await basesAt('main', files);
    assert.deepEqual(bases.map(imagesOf), [['quay.io/lab/tool:1'], undefined, 'recipe-unreadable']);
  });

  it('in a linked work tree, a clone that is shallow, and one whose hashes are of SHA-256', async () => {
    const elsewhere = await temporaryDirectory('work-trees');
    git('worktree', 'add', '--quiet', '--detach', join(elsewhere, 'linked'), 'main');
    git('clone', '--quiet', '--depth=1', `file://${folder}`, join(elsewhere, 'shallow'));
    git('init', '--quiet', '--object-format=sha256', join(elsewhere, 'long'));
    mkdirSync(join(elsewhere, 'long/lists'));
    writeFileSync(join(elsewhere, 'long/lists/[a] recipe.yaml'), RECIPE);
    git('-C', join(elsewhere, 'long'), 'add', '.');
    git('-C', join(elsewhere, 'long'), 'commit', '--quiet', '--message', 'one');
    for (const name of ['linked', 'shallow', 'long']) {
      const [base] = await basesAt('HEAD', [join(elsewhere, name, 'lists/[a] recipe.yaml')]);
      assert.deepEqual(imagesOf(base), ['quay.io/lab/tool:1'], name);
    }
  });

  it('in a file', async () => {
    const [base] = await readBaseFile(join(folder, 'lists/new.yaml'), ['anywhere/recipe.yaml']);
    assert.deepEqual(imagesOf(base), ['quay.io/lab/tool:1']);
  });

  const REFUSED = {
    'is no commit': ['nowhere', 'lists/new.yaml'],
    'is a file': ['lists/new.yaml', 'lists/new.yaml'],
    'is an option of git': ['--output=written', 'lists/new.yaml'],
    'is a folder': ['lists', 'lists/new.yaml'],
    'is a tree': ['HEAD:lists', 'lists/new.yaml'],
  } as const;
  for (const [what, [ref, file]] of Object.entries(REFUSED)) {
    it(`refuses what ${what}`, async () => {
      await assert.rejects(basesAt(ref, [join(folder, file)]), (error) =>
        isFailure(error, 'configuration-invalid'),
      );
    });
  }

  it('refuses a recipe outside of any repository, and one file for several recipes', async () => {
    const elsewhere = await temporaryDirectory('elsewhere');
    for (const refused of [
      async () => await basesAt('main', [join(elsewhere, 'recipe.yaml')]),
      async () => await readBaseFile(join(folder, 'lists/new.yaml'), ['a.yaml', 'b.yaml']),
    ]) {
      await assert.rejects(refused, (error) => isFailure(error, 'configuration-invalid'));
    }
  });
});
