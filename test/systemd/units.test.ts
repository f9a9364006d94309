import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs, needsRoot } from '../support/programs.ts';
import { temporaryDirectory } from '../support/setup.ts';
import { PROJECT } from '../docs/project.ts';

const SYSTEMD = join(PROJECT, 'systemd');

/** Directives that stand for an instance in the template and not in the unit of the only one, or with other values. */
const INSTANCE = new Set([
  'Description',
  'ExecStart',
  'StateDirectory',
  'RuntimeDirectory',
  'RuntimeDirectoryPreserve',
  'Environment',
]);

describe('systemd/units', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await temporaryDirectory('units');
    for (const [file, unit] of [
      ['unpackd.service', 'unpackd.service'],
      ['unpackd@.service', 'unpackd@lab.service'],
    ] as const) {
      // What a unit starts must exist where it is verified.
      const text = readFileSync(join(SYSTEMD, file), 'utf8').replace('/usr/bin/unpackd', process.execPath);
      writeFileSync(join(folder, unit), text);
    }
  });

  for (const unit of ['unpackd.service', 'unpackd@lab.service']) {
    it(`has nothing to say against ${unit}, with and without the drop-in`, function () {
      needs(this, 'systemd-analyze');
      assert.deepEqual(analyze('verify', join(folder, unit)), { status: 0, text: '' });
      addDropIn(unit);
      assert.deepEqual(analyze('verify', join(folder, unit)), { status: 0, text: '' });
    });

    // Tenths, as systemd-analyze takes them: what cvmfs_server allows is little.
    for (const [title, tenths] of [
      ['as it is', 83],
      ['for the backend "directory"', 35],
    ] as const) {
      it(`exposes no more than ${tenths / 10} of 10 by ${unit} ${title}`, function () {
        needs(this, 'systemd-analyze');
        if (title !== 'as it is') addDropIn(unit);
        const { status, text } = analyze(
          'security',
          '--offline=true',
          '--no-pager',
          `--threshold=${tenths}`,
          join(folder, unit),
        );
        assert.equal(status, 0, text);
        assert.match(text, /Overall exposure level for unpackd(?:@lab)?\.service: \d\.\d/);
      });
    }
  }

  it('says the same of an instance as of the only one, but for names', () => {
    const [only = [], instance = []] = ['unpackd.service', 'unpackd@.service'].map(directives);
    assert.deepEqual(instance.filter(isShared), only.filter(isShared));
    assert.ok(only.filter(isShared).length > 25, only.join('\n'));
  });

  it('lets nobody else see the state, nor a core of the process', () => {
    for (const unit of ['unpackd.service', 'unpackd@.service']) {
      const lines = directives(unit);
      for (const line of ['StateDirectoryMode=0700', 'LimitCORE=0']) assert.ok(lines.includes(line), unit);
    }
  });

  it('makes a user', function () {
    needs(this, 'systemd-sysusers');
    needsRoot(this);
    mkdirSync(join(folder, 'etc'));
    run('systemd-sysusers', `--root=${folder}`, join(SYSTEMD, 'unpackd.sysusers'));
    assert.match(
      readFileSync(join(folder, 'etc/passwd'), 'utf8'),
      /^unpackd:x:\d+:\d+:[^:]*:\/var\/lib\/unpackd:\/usr\/sbin\/nologin$/m,
    );
  });

  function addDropIn(unit: string): void {
    mkdirSync(join(folder, `${unit}.d`));
    cpSync(join(SYSTEMD, 'directory-backend.conf'), join(folder, `${unit}.d/directory-backend.conf`));
  }
});

function analyze(...words: string[]): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

function run(program: string, ...words: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'utf8' });
  assert.equal(status, 0, `${program}: ${error?.message ?? ''}${stdout}${stderr}`);
}

/** The lines of a unit that say something. */
function directives(file: string): string[] {
  const lines = readFileSync(join(SYSTEMD, file), 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

function isShared(directive: string): boolean {
  return !INSTANCE.has(directive.split('=')[0] ?? '');
}
