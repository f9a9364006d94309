import assert from 'node:assert/strict';
import { argumentOf, synopsisOf } from '../../../daemon/configuration/options.ts';
import { COMMANDS, SECTIONS } from '../../../daemon/cli/commands.ts';
import { runUnpackd } from '../../../daemon/cli/run.ts';
import { capture } from './capture.ts';
import {
  type AnyCommand,
  argumentTerm,
  OPTION_TABLE,
  optionsOn,
  TOPIC_NAMES,
} from '../../../daemon/cli/command.ts';

async function unpackd(
  argv: readonly string[],
  columns?: number,
): Promise<{ status: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [capture(columns), capture(columns)];
  const { signal } = new AbortController();
  const io = { version: '1.2.3', environment: { NO_COLOR: '1' }, stdout, stderr, signal };
  const status = await runUnpackd(argv, COMMANDS, io);
  return { status, stdout: stdout.text(), stderr: stderr.text() };
}

async function helpOf(...words: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await unpackd([...words, '--help']);
  assert.deepEqual([status, stderr], [0, '']);
  return stdout;
}

const LONGEST = 60;
const GROUPS = ['wishlist', 'config'];

function assertPage(text: string): void {
  const lines = text.split('\n');
  assert.ok(lines.length - 1 <= LONGEST, `${lines.length - 1} lines:\n${text}`);
  for (const line of lines) assert.ok(line.length <= 80, line);
}

describe('daemon/cli/help: cli/help', () => {
  for (const words of [
    [],
    ...COMMANDS.map(({ name }) => name.split(' ')),
    ...TOPIC_NAMES.map((topic) => [topic]),
    ...GROUPS.map((group) => [group]),
  ]) {
    it(`has at most ${LONGEST} lines of 80 columns: ${words.join(' ')}`, async () => {
      assertPage(await helpOf(...words));
      assert.equal((await unpackd(['help', ...words])).stdout, await helpOf(...words));
    });
  }

  it('has each option on the page of one topic', async () => {
    const pages = await Promise.all(
      TOPIC_NAMES.filter((topic) => !COMMANDS.some(({ name }) => name === topic)).map(
        async (topic) => (await unpackd(['help', topic])).stdout,
      ),
    );
    for (const option of OPTION_TABLE) {
      const line = `\n  ${synopsisOf(option)} `;
      assert.equal(pages.filter((text) => text.includes(line)).length, 1, option.key);
    }
  });

  it('names general options once, with what they mean for environment and file', async () => {
    const page = await helpOf('options');
    for (const text of ['UNPACKD_SKIP_FLAT=true', '/etc/unpackd/unpackd.yaml', 'Precedence: command line,'])
      assert.ok(page.replaceAll(/\s+/g, ' ').includes(text), text);
    const [, pointer = ''] = page.replaceAll(/\s+/g, ' ').split('More options: ');
    for (const topic of TOPIC_NAMES) if (topic !== 'options') assert.ok(pointer.includes(topic), topic);
  });

  for (const command of COMMANDS) {
    it(`of ${command.name} has its arguments, aliases, own options and examples, and pointers`, async () => {
      const text = await helpOf(...command.name.split(' '));
      const flat = text.replaceAll(/\s+/g, ' ');
      const { arguments: values, options, aliases = [], topics = [], examples } = command;
      const usage = ['unpackd', command.name, ...values.map(argumentTerm), '[OPTIONS]'].join(' ');
      assert.ok(text.startsWith(`Usage: ${usage}\n\n${command.summary}`), text);
      for (const { name } of values) assert.match(text, new RegExp(`\\n  ${name.replace('|', '\\|')} `));
      assert.deepEqual(
        OPTION_TABLE.filter((option) => text.includes(`\n  ${synopsisOf(option)} `)).map(({ key }) => key),
        OPTION_TABLE.filter(({ key }) => options.some((own) => own === key)).map(({ key }) => key),
      );
      for (const alias of aliases) assert.ok(flat.includes(`Also: ${alias}`));
      for (const [line, meaning] of examples) assert.ok(text.includes(`\n  ${line}\n      ${meaning}\n`));
      const [, pointer = ''] = flat.split('More options: see "unpackd help TOPIC"');
      for (const topic of topics) assert.ok(pointer.includes(topic), topic);
      assert.match(text, /\nGeneral options: see "unpackd help options"\.\n$/);
    });
  }

  it('lists each command once, with its summary', async () => {
    const text = await helpOf();
    for (const { name, summary } of COMMANDS)
      assert.equal(text.split(new RegExp(`\\n  ${name} +${summary}\\n`)).length, 2, name);
    assert.deepEqual(
      Object.values<readonly string[]>(SECTIONS).flat().sort(),
      COMMANDS.map(({ name }) => name).sort(),
    );
    assert.match(text, /\nExit status:\n {2}0 /);
  });

  it('gives the help of a command by its alias', async () => {
    assert.equal(await helpOf('get-manifest'), await helpOf('download-manifest'));
  });

  it('is at most 20 lines for unpackd alone, which is a mistake', async () => {
    const { status, stdout, stderr } = await unpackd([]);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^Usage: [^]*\nerror\[usage\] no command is given; "unpackd --help" lists/);
    assert.ok(stderr.split('\n').length - 1 <= 20, stderr);
    for (const { name } of COMMANDS) assert.ok(stderr.includes(name), name);
    assertPage(stderr);
  });

  it('wraps at the width of the terminal', async () => {
    for (const columns of [50, 100, 300]) {
      const { stdout } = await unpackd(['help', 'options'], columns);
      const widest = Math.max(...stdout.split('\n').map((line) => line.length));
      assert.ok(widest <= Math.min(120, columns) && widest > columns / 3, `${widest} of ${columns}`);
    }
  });

  for (const words of [
    ['frobnicate', '--help'],
    ['help', 'frobnicate'],
    ['wishlist', 'frobnicate', '-h'],
    ['help', 'config', 'frobnicate'],
  ]) {
    it(`has none for a command that does not exist: ${words.join(' ')}`, async () => {
      const { status, stdout, stderr } = await unpackd(words);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, /^error\[usage\] unknown command '(?:(?:wishlist|config) )?frobnicate'/);
    });
  }

  const near: [words: string[], meant: string][] = [
    [['convrt'], 'convert'],
    [['wishlst', 'check'], 'wishlist'],
    [['wishlist', 'chek'], 'wishlist check'],
    [['help', 'optoins'], 'options'],
    [['get-manifst'], 'get-manifest'],
  ];
  for (const [words, meant] of near) {
    it(`suggests ${meant} for ${words.join(' ')}`, async () => {
      const { status, stderr } = await unpackd(words);
      assert.equal(status, 2);
      assert.ok(stderr.includes(`did you mean ${meant}?`), stderr);
    });
  }

  it('names the commands of a group that stands alone', async () => {
    const { status, stderr } = await unpackd(['wishlist']);
    assert.equal(status, 2);
    assert.match(stderr, /^error\[usage\] wishlist needs a command: check, expand, import, sources; /);
  });
});

describe('daemon/cli/help: cli/command-line', () => {
  const foreign: [command: AnyCommand['name'], flags: string[]][] = [
    ['pause', ['--skip-flat']],
    ['status', ['-g']],
    ['convert', ['--schedule', '* * * * *']],
    ['convert', ['--offline']],
    ['wishlist import', ['--pattern-limit', '3']],
    ['check-image-syntax', ['--no-chains']],
  ];
  for (const [name, flags] of foreign) {
    it(`refuses ${flags[0]} of ${name}`, async () => {
      const { status, stderr } = await unpackd([...name.split(' '), ...flags]);
      assert.equal(status, 2);
      assert.equal(
        stderr,
        `error[usage] '${flags[0]}' is not an option of ${name}; "unpackd ${name} --help" lists its options\n`,
      );
    });
  }

  it('takes general options with every command, in front of it too', async () => {
    for (const { name } of COMMANDS) {
      for (const option of optionsOn('options')) {
        const { key } = option;
        const written = argumentOf(option) !== undefined ? [`--${key}=x`] : [`--${key}`];
        for (const words of [
          [...written, ...name.split(' ')],
          [...name.split(' '), ...written],
        ]) {
          const { stderr } = await unpackd([...words, '--unknown']);
          assert.match(stderr, /^error\[usage\] unknown option '--unknown'/, words.join(' '));
        }
      }
    }
  });

  it('suggests no option that the command does not take', async () => {
    assert.match(
      (await unpackd(['convert', '--offlin'])).stderr,
      /unknown option '--offlin'; "unpackd convert/,
    );
    assert.match((await unpackd(['wishlist', 'check', '--offlin'])).stderr, /did you mean --offline\?/);
  });

  it('shows the usage where an argument is missing or too many', async () => {
    for (const words of [
      ['convert-single-image', 'a'],
      ['convert-single-image', 'a', 'b', 'c'],
    ]) {
      const { status, stderr } = await unpackd(words);
      assert.equal(status, 2);
      assert.match(stderr, /; usage: unpackd convert-single-image IMAGE REPOSITORY \[OPTIONS\]\n$/);
    }
  });
});
