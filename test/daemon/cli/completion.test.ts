import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS, SHELLS } from '../../../daemon/cli/commands.ts';
import { completionScript } from '../../../daemon/cli/completion.ts';
import { runUnpackd } from '../../../daemon/cli/run.ts';
import { needs } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { capture } from './capture.ts';

type Shell = (typeof SHELLS)[number];

/** What zsh itself brings, with the words printed that it would offer. */
const ZSH_STUBS = `compdef() { :; }
compset() { :; }
compadd() { print -l -- "\${@[2,-1]}"; }
_files() { if [[ $1 == -/ ]]; then print -l -- *(/); else print -l -- *; fi; }`;

/** What is offered for the last of `words`, which may be incomplete. */
function complete(shell: Shell, folder: string, words: readonly string[]): string[] {
  const script = join(folder, `.unpackd.${shell}`);
  writeFileSync(script, completionScript(shell, COMMANDS));
  const last = words.at(-1) ?? '';
  const result = spawnSync(shell, argumentsFor(shell, script, words), { cwd: folder, encoding: 'utf8' });
  assert.deepEqual([result.status, result.stderr], [0, ''], script);
  return result.stdout
    .split('\n')
    .map((line) => (line.split('\t')[0] ?? '').replace(/^--[a-z-]+=/, ''))
    .filter((word) => word !== '' && word.startsWith(last.replace(/^.*=/, '')));
}

function argumentsFor(shell: Shell, script: string, words: readonly string[]): string[] {
  switch (shell) {
    case 'bash': {
      // bash takes "=" for a word of its own
      const split = words.flatMap((word) => word.split(/(?<==)|(?==)/));
      const set = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); source ${script}; _unpackd`;
      return ['--norc', '-c', `${set}; printf '%s\\n' "\${COMPREPLY[@]}"`, 'unpackd', 'unpackd', ...split];
    }
    case 'zsh': {
      const set = `words=(unpackd "$@"); CURRENT=\${#words}; source ${script}; _unpackd`;
      return ['-f', '-c', `${ZSH_STUBS}\n${set}; true`, 'unpackd', ...words];
    }
    case 'fish':
      return ['--no-config', '-c', `source ${script}; complete --do-complete "unpackd ${words.join(' ')}"`];
  }
}

const CASES: [words: string[], offered: string[], not?: string[]][] = [
  [['con'], ['convert', 'convert-single-image', 'config'], ['status']],
  [[''], ['status', 'wishlist', 'help', 'version', 'get-manifest'], ['check', 'recipe.yaml']],
  [
    ['wishlist', ''],
    ['check', 'expand', 'import', 'sources'],
    ['convert', 'show'],
  ],
  [['config', 's'], ['show']],
  [['help', 'im'], ['image-limits']],
  [
    ['help', 'wish'],
    ['wishlist', 'wishlist-limits'],
  ],
  [['convert', '--ba'], ['--backend', '--batch-size', '--batch-age', '--batch-images'], ['--base']],
  [['pause', '--s'], ['--state'], ['--skip-flat', '--schedule']],
  [['wishlist', 'check', '--ba'], ['--base', '--base-file', '--backend'], ['--batch-size']],
  [['--st'], ['--state'], ['--stop-timeout']],
  [['convert', '--backend', ''], ['directory', 'cvmfs'], ['recipe.yaml']],
  [['convert', '--state', ''], ['folder'], ['recipe.yaml', 'convert']],
  [['--state', 'folder', 'convert', 're'], ['recipe.yaml']],
  [['convert', '--on-loss=r'], ['refuse']],
  [['wishlist', 'check', 'recipe.yaml', 're'], ['recipe.yaml']],
  [
    ['client-config', ''],
    ['podman', 'podman-rootless', 'containerd', 'apptainer'],
  ],
  [['client-config', 'podman', ''], [], ['podman', 'recipe.yaml']],
  [['completion', ''], [...SHELLS]],
  [['download-manifest', '--docker-config', 're'], ['recipe.yaml']],
];

describe('daemon/cli/completion', () => {
  let folder: string;

  before(async () => {
    folder = await temporaryDirectory('completion');
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'recipe.yaml'), '');
  });

  for (const shell of SHELLS) {
    for (const [words, offered, not = []] of CASES) {
      it(`offers ${offered.join(', ') || 'nothing'} in ${shell} for: ${words.join(' ')}`, function () {
        needs(this, shell);
        const found = complete(shell, folder, words).map((word) => word.replace(/\/$/, ''));
        for (const word of offered) assert.ok(found.includes(word), `${word} of ${found.join(' ')}`);
        for (const word of not) assert.ok(!found.includes(word), `${word} of ${found.join(' ')}`);
      });
    }
  }

  for (const [words, status, printed] of [
    [['bash'], 0, /^# Completion of unpackd for bash/],
    [['tcsh'], 2, /'tcsh' is not a known shell; name one of bash, zsh, fish/],
  ] as const) {
    it(`is printed by the command: ${words.join(' ')}`, async () => {
      const [stdout, stderr] = [capture(), capture()];
      const io = { version: 'test', environment: {}, stdout, stderr, signal: new AbortController().signal };
      assert.equal(await runUnpackd(['completion', ...words], COMMANDS, io), status);
      assert.match(stdout.text() + stderr.text(), printed);
    });
  }
});
