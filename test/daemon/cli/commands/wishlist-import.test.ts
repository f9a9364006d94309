import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMANDS } from '../../../../daemon/cli/commands.ts';
import { runUnpackd } from '../../../../daemon/cli/run.ts';
import { parseRecipe } from '../../../../wishlist/recipe/recipe.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { capture } from '../capture.ts';

const REPOSITORY = 'images.example.org';

describe('daemon/cli/commands/wishlist-import', () => {
  let folder = '';
  before(async () => {
    folder = await temporaryDirectory('import');
  });

  it('prints a recipe', async () => {
    const file = await write('good.txt', '# ours\ndebian:12\nlab/tool:*\n');
    const { status, stdout, stderr } = await run(file, REPOSITORY);
    assert.deepEqual([status, stderr], [0, '']);
    const { repositories, wishes, problems } = parseRecipe(stdout, 'r.yaml');
    assert.deepEqual([repositories, wishes.length, problems], [[REPOSITORY], 2, []]);
    assert.match(stdout, /# ours/);
  });

  it('warns of repeated lines', async () => {
    const file = await write('repeated.txt', 'debian\ndebian\n');
    const { status, stderr } = await run(file, REPOSITORY);
    assert.equal(status, 0);
    assert.ok(stderr.startsWith(`warning: ${file}:2:1: `), stderr);
  });

  it('reports lines that are no images, and prints what is left', async () => {
    const file = await write('bad.txt', 'debian\n Debian\nlab/tool\n\nuser:s3cret@quay.io/a\n');
    const { status, stdout, stderr } = await run(file, REPOSITORY);
    assert.equal(status, 1);
    assert.equal(parseRecipe(stdout, 'r.yaml').wishes.length, 2);
    const lines = stderr.trimEnd().split('\n');
    assert.equal(lines.length, 2);
    assert.ok(lines[0]?.startsWith(`error[reference-invalid] ${file}:2:2: `), stderr);
    assert.ok(lines[1]?.startsWith(`error[reference-invalid] ${file}:5:1: `), stderr);
    assert.doesNotMatch(`${stdout}${stderr}`, /s3cret/);
  });

  it('prints one document for programs', async () => {
    const file = await write('json.txt', 'debian\nDebian\n');
    const { status, stdout } = await run('--json', file, REPOSITORY);
    const document = JSON.parse(stdout) as { recipe: string[]; images: number; problems: { line: number }[] };
    assert.deepEqual([status, document.images, document.problems.map(({ line }) => line)], [1, 1, [2]]);
    assert.equal(parseRecipe(document.recipe.join('\n'), 'r.yaml').wishes.length, 1);
  });

  it('refuses a name that is no repository, and a file that is not there', async () => {
    const file = await write('list.txt', 'debian\n');
    for (const [code, ...words] of [
      ['configuration-invalid', file, '../x'],
      ['recipe-unreadable', `${file}.missing`, REPOSITORY],
      ['usage', file],
    ] as const) {
      const { status, stdout, stderr } = await run(...words);
      assert.deepEqual([status, stdout], [2, '']);
      assert.ok(stderr.startsWith(`error[${code}] `), stderr);
    }
  });

  async function write(name: string, text: string): Promise<string> {
    const file = join(folder, name);
    await writeFile(file, text);
    return file;
  }
});

async function run(...words: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const stdout = capture();
  const stderr = capture();
  const machine = { home: '/h', superuser: false, workingDirectory: '/', configurationFile: '/nonexistent' };
  const status = await runUnpackd(['wishlist', 'import', ...words], COMMANDS, {
    version: '1.2.3',
    environment: {},
    stdout,
    stderr,
    signal: new AbortController().signal,
    machine,
  });
  return { status, stdout: stdout.text(), stderr: stderr.text() };
}
