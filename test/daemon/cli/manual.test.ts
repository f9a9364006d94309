import assert from 'node:assert/strict';
import { synopsisOf } from '../../../daemon/configuration/options.ts';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../../daemon/cli/commands.ts';
import { manualPages } from '../../../daemon/cli/manual.ts';
import { needs } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { OPTION_TABLE } from '../../../daemon/cli/command.ts';

const PAGES = manualPages('1.2.3');

async function written({ file, text }: (typeof PAGES)[number]): Promise<string> {
  const path = join(await temporaryDirectory('manual'), file);
  writeFileSync(path, text);
  return path;
}

/** What somebody reads, one line a paragraph. */
function shown(path: string): string {
  const { stdout } = spawnSync('groff', ['-man', '-Tascii', '-P-cbou', '-rLL=1000n', path], {
    encoding: 'utf8',
  });
  return stdout.replaceAll(/ +/g, ' ');
}

describe('daemon/cli/manual', () => {
  for (const page of PAGES) {
    it(`has no errors of groff: ${page.file}`, async function () {
      needs(this, 'groff');
      const words = ['-man', '-ww', '-Tutf8', '-z', await written(page)];
      const { status, stderr } = spawnSync('groff', words, { encoding: 'utf8' });
      assert.deepEqual([status, stderr], [0, '']);
    });

    it(`has no warnings of man: ${page.file}`, async function () {
      needs(this, 'man');
      const words = ['--warnings', '--local-file', await written(page)];
      const { status, stderr } = spawnSync('man', words, { encoding: 'utf8' });
      assert.deepEqual([status, stderr], [0, '']);
    });
  }

  it('has all commands and options in unpackd(1)', async function () {
    needs(this, 'groff');
    const [program] = PAGES;
    assert.ok(program !== undefined);
    const text = shown(await written(program));
    for (const { name, summary, examples } of COMMANDS) {
      assert.ok(text.includes(`\n unpackd ${name}`), name);
      assert.ok(text.includes(` ${summary}.`), name);
      for (const [line] of examples) assert.ok(text.includes(line), line);
    }
    for (const option of OPTION_TABLE) {
      const flag = synopsisOf(option).replace(/[<>]/g, '');
      assert.ok(text.includes(`\n ${flag}`), flag);
    }
  });

  it('has all keys of the configuration file in unpackd.yaml(5)', async function () {
    needs(this, 'groff');
    const page = PAGES.find(({ file }) => file === 'unpackd.yaml.5');
    assert.ok(page !== undefined);
    const text = shown(await written(page));
    for (const { key, notInFile } of OPTION_TABLE)
      assert.equal(new RegExp(`\\n ${key}\\b(?!-)`).test(text), notInFile !== true, key);
    for (const key of ['registries', 'sources']) assert.ok(text.includes(`\n ${key}`), key);
  });
});
