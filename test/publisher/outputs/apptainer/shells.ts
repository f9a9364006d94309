import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeWith } from '../../../support/programs.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

/** The shells that images have as `/bin/sh`. */
const SHELLS: readonly [name: string, command: string, ...args: string[]][] = [
  ['sh', 'sh'],
  ['bash', 'bash'],
  ['bash as sh', 'bash', '--posix'],
  ['busybox sh', 'busybox', 'sh'],
];

/** Prints its arguments, each ended by NUL: {@link words} reads them. */
export const PRINT = ['printf', String.raw`%s\0`];

/** Values that must reach a program as they are. `pwned` is the file that shows that one was run. */
export const HOSTILE = [
  "it's",
  '"quoted"',
  "'; touch pwned; '",
  '"; touch pwned; "',
  '$(touch pwned) `touch pwned` $HOME ${HOME} ${x:=y}',
  '\\ \\n \\\' \\" \\\\',
  'one\ntwo\n',
  '\n',
  '\ntouch pwned\n',
  'carriage\r\nreturn\r',
  '\\\ncontinued',
  '  spaces\tand tabs  ',
  '* ? [a-z] ~ {a,b}',
  '\u0001\u001b[31m\u007f\u0080\u0081\u009b',
  'é😀\u2028',
  '! # & | ; < > ( )',
  '<<EOF',
  '%s %d \\101',
  '-n',
];

/** One shell with a root of its own for each test; runs scripts of that root with nothing but PATH set. */
export class ShellRun {
  root = '';
  readonly #command: readonly string[];

  constructor(command: readonly string[]) {
    this.#command = command;
  }

  /** Standard output of a script that must succeed and complain of nothing. */
  output(script: string, args: readonly string[], options: RunOptions = {}): string {
    const { status, stdout, stderr } = this.result(script, args, options);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    return stdout;
  }

  result(script: string, args: readonly string[], { env = {}, input = '' }: RunOptions = {}): RunResult {
    const [command = '', ...shellArguments] = this.#command;
    return spawnSync(command, [...shellArguments, join(this.root, script), ...args], {
      encoding: 'utf8',
      cwd: this.root,
      env: { PATH: process.env['PATH'], ...env },
      input,
    });
  }
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

interface RunResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The same tests for every shell; each of them also asserts that no value was run as a command. */
export function describeInShells(title: string, tests: (shell: ShellRun) => void): void {
  for (const [name, ...command] of SHELLS) {
    describeWith([command[0] ?? ''], `${title}, by ${name}`, () => {
      const shell = new ShellRun(command);
      beforeEach(async () => {
        shell.root = await temporaryDirectory('startup');
      });
      afterEach(() => {
        assert.ok(!existsSync(join(shell.root, 'pwned')), 'a value of the config was run');
      });
      tests(shell);
    });
  }
}

/** What {@link PRINT} printed. */
export function words(output: string): string[] {
  return output.split('\0').slice(0, -1);
}

/** What `env -0` printed. */
export function variables(output: string): Map<string, string> {
  return new Map(
    words(output).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
