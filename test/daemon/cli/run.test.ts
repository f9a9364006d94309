import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../../../daemon/cli/command.ts';
import type { Context } from '../../../daemon/output/context.ts';
import type { ExitStatus } from '../../../daemon/output/exit-status.ts';
import type { Event } from '../../../publisher/image/events.ts';
import { OPTIONS } from '../../../daemon/configuration/options.ts';
import { runUnpackd } from '../../../daemon/cli/run.ts';
import { COMMANDS, PLANNED_COMMANDS, PLANNED_OPTIONS } from '../../../daemon/cli/commands.ts';
import { Failure } from '../../../core/failure.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { capture } from './capture.ts';

interface Result {
  readonly status: ExitStatus;
  readonly stdout: string;
  readonly stderr: string;
  /** What the command was given; `undefined` where it did not run. */
  readonly context: Context | undefined;
}

interface Given {
  readonly environment?: Record<string, string>;
  readonly act?: (context: Context) => ExitStatus;
}

function example(line: string): Command['examples'] {
  return [[line, 'does something']];
}

/** An action that ends with `error`, after some events. */
function failing(error: Error, ...events: readonly Event[]): (context: Context) => never {
  return ({ observe }) => {
    for (const event of events) observe(event);
    throw error;
  };
}

async function unpackd(
  argv: readonly string[],
  { environment = {}, act = () => 0 }: Given = {},
): Promise<Result> {
  let context: Context | undefined;
  const run = async (given: Context): Promise<ExitStatus> => {
    context = given;
    return act(given);
  };
  const commands: readonly Command[] = [
    {
      name: 'convert',
      summary: 'Publish what a recipe asks for',
      arguments: [{ name: 'RECIPE', description: 'the recipe' }],
      examples: example('unpackd convert recipe.yaml'),
      options: ['backend', 'skip-flat'],
      topics: ['publishing', 'image-limits'],
      run,
    },
    {
      name: 'download-manifest',
      aliases: ['get-manifest'],
      summary: 'Print manifests',
      arguments: [
        { name: 'IMAGE', description: 'the first' },
        { name: 'OTHERS', description: 'more', variadic: true },
      ],
      examples: example('unpackd download-manifest debian'),
      options: [],
      run,
    },
  ];
  const stdout = capture();
  const stderr = capture();
  const machine = {
    home: '/h',
    superuser: false,
    workingDirectory: '/w',
    configurationFile: '/nonexistent/x.yaml',
  };
  const { signal } = new AbortController();
  const status = await runUnpackd(argv, commands, {
    version: '1.2.3',
    environment,
    stdout,
    stderr,
    signal,
    machine,
  });
  return { status, stdout: stdout.text(), stderr: stderr.text(), context };
}

describe('daemon/cli/run: the version', () => {
  for (const argument of ['--version', 'version']) {
    it(`is printed by ${argument}`, async () => {
      assert.deepEqual(await unpackd([argument]), {
        status: 0,
        stdout: 'unpackd 1.2.3\n',
        stderr: '',
        context: undefined,
      });
    });
  }
});

describe('daemon/cli/run: the command line', () => {
  const mistakes: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
    [['convrt', 'x'], /'convrt'; did you mean convert\?/],
    [['frobnicate'], /'frobnicate'/],
    [['constructor'], /unknown command 'constructor'/],
    [['convert'], /'RECIPE'/],
    [['convert', 'a', 'b'], /too many/],
    [['convert', 'a', '--rot', '/x'], /'--rot'; did you mean --root\?/],
    [['convert', 'a', '-x'], /'-x'/],
    [['convert', 'a', '--root'], /'--root <dir>'/],
    [['convert', 'a', '--json=yes'], /'--json=yes'/],
    [['convert', 'a', '--\u001b[31mx\ny'], /'--x y'/],
  ];
  for (const [argv, message] of mistakes) {
    it(`refuses ${JSON.stringify(argv)}`, async () => {
      const { status, stdout, stderr, context } = await unpackd(argv);
      assert.deepEqual([status, stdout, context], [2, '', undefined]);
      assert.match(stderr, /^error\[usage\] [^\n]*(?:--help|usage: unpackd convert RECIPE)[^\n]*\n$/);
      assert.match(stderr, message);
    });
  }

  const json: readonly (readonly [what: string, argv: readonly string[], given: Given, code: string])[] = [
    ['an unknown command', ['frobnicate', '--json'], {}, 'usage'],
    ['an unknown option', ['convert', 'r', '--json', '--nosuch'], {}, 'usage'],
    ['an option without its value', ['--json', 'convert', 'r', '--root'], {}, 'usage'],
    ['too many arguments', ['convert', 'a', 'b'], { environment: { UNPACKD_JSON: 'yes' } }, 'usage'],
    ['no command', ['--json'], {}, 'usage'],
    ['a command that is not there yet', ['gc', 'r', '--json'], {}, 'usage'],
    ['an option that is wrong', ['convert', 'r', '--json', '--wait', 'soon'], {}, 'configuration-invalid'],
    ['a mistake in unpackd', ['convert', 'r', '--json'], { act: failing(new TypeError('x')) }, 'bug'],
    [
      'an interruption',
      ['convert', 'r', '--json'],
      { act: failing(new Failure('interrupted', 'by SIGINT')) },
      'interrupted',
    ],
  ];
  for (const [what, argv, given, code] of json) {
    it(`has one document for ${what}`, async () => {
      const { stdout, stderr } = await unpackd(argv, given);
      const document = JSON.parse(stdout) as { problems: readonly { code: string }[] };
      assert.deepEqual(Object.keys(document), ['problems']);
      assert.deepEqual(
        document.problems.map((problem) => problem.code),
        [code],
      );
      assert.ok(stderr.includes(`error[${code}] `), stderr);
      assert.equal(
        (
          await unpackd(
            argv.filter((word) => word !== '--json'),
            { act: given.act ?? (() => 0) },
          )
        ).stdout,
        '',
      );
    });
  }

  it('has a document for the version', async () => {
    assert.deepEqual(JSON.parse((await unpackd(['version', '--json'])).stdout), { version: '1.2.3' });
  });

  it('has one document where a mistake follows the result', async () => {
    const act = ({ output }: Context): never => {
      output.print('', { done: true });
      throw new TypeError('x');
    };
    const { status, stdout } = await unpackd(['convert', 'r', '--json'], { act });
    assert.deepEqual([status, JSON.parse(stdout)], [70, { done: true }]);
  });

  for (const argv of [
    ['--root', '/x', 'export', 'sif'],
    ['convert', 'r', '--strict'],
    ['convert', '--help', '--strict'],
  ]) {
    it(`says that it is not there yet: ${argv.join(' ')}`, async () => {
      const { status, stdout, stderr, context } = await unpackd(argv);
      assert.deepEqual([status, stdout, context], [2, '', undefined]);
      assert.match(stderr, /^error\[usage\] (?:the command [a-z-]+|--[a-z-]+) is not there yet; .+\n$/);
    });
  }

  for (const argv of [
    ['convert', 'r', '--dry-run'],
    ['daemon', '--dry-run'],
    ['convert', 'r', '--grace-period=30'],
  ]) {
    it(`runs nothing for an option that is another command\u2019s: ${argv.join(' ')}`, async () => {
      const { status, stdout, context } = await unpackd(argv);
      assert.deepEqual([status, stdout, context], [2, '', undefined]);
    });
  }

  it('has no help for a command that does not exist', async () => {
    for (const flag of ['--help', '-h']) {
      const { status, stdout, stderr } = await unpackd(['convrt', flag]);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, /^error\[usage\] unknown command 'convrt'; did you mean convert\?/);
    }
  });

  it('takes words behind -- for what they are', async () => {
    const { status, context } = await unpackd(['convert', '--', '--dry-run']);
    assert.deepEqual([status, context?.arguments], [0, ['--dry-run']]);
  });

  it('plans nothing that is there', async () => {
    for (const name of PLANNED_COMMANDS.keys()) {
      assert.ok(!COMMANDS.some((command) => command.name.split(' ')[0] === name), name);
    }
    const flags = new Set(Object.values(OPTIONS).map(({ key }) => `--${key}`));
    for (const flag of PLANNED_OPTIONS.keys()) assert.ok(!flags.has(flag), flag);
  });

  const accepted: readonly (readonly [
    argv: readonly string[],
    values: readonly string[],
    expected: object,
  ])[] = [
    [['convert', 'r'], ['r'], { skipFlat: false, chains: undefined, json: false }],
    [['--json', 'convert', 'r', '--root=/x'], ['r'], { json: true, root: '/x' }],
    [['convert', '--root', 'x', 'r'], ['r'], { root: '/w/x' }],
    [
      ['convert', 'r', '-sdpigf', '-t', '/t'],
      ['r'],
      {
        skipFlat: true,
        skipLayers: true,
        skipPodman: true,
        skipThinImage: true,
        convertAgain: true,
        overwriteLayers: true,
        temporaryDirectory: '/t',
      },
    ],
    [['convert', 'r', '--no-chains'], ['r'], { chains: false }],
    [['convert', 'r', '--no-chains', '--chains'], ['r'], { chains: true }],
    [['convert', 'r', '--skip-flat', '--no-skip-flat'], ['r'], { skipFlat: false }],
    [['convert', 'r', '--wait', '1', '--wait', '2'], ['r'], { waitMs: 2000 }],
    [['convert', '--', '--r'], ['--r'], {}],
    [['get-manifest', 'a', 'b', 'c'], ['a', 'b', 'c'], {}],
    [['download-manifest', 'a'], ['a'], {}],
  ];
  for (const [argv, values, expected] of accepted) {
    it(`takes ${JSON.stringify(argv)}`, async () => {
      const { status, stderr, context } = await unpackd(argv);
      assert.deepEqual([status, stderr], [0, '']);
      assert.deepEqual(context?.arguments, values);
      assert.deepEqual({ ...context?.configuration, ...expected }, context?.configuration);
    });
  }

  it('lets a flag switch off what the environment switches on', async () => {
    const environment = { UNPACKD_SKIP_FLAT: 'true' };
    const { context } = await unpackd(['convert', 'r', '--no-skip-flat'], { environment });
    assert.equal(context?.configuration.skipFlat, false);
  });
});

describe('daemon/cli/run: a run', () => {
  it('ends with the status of the command', async () => {
    assert.equal((await unpackd(['convert', 'r'], { act: () => 1 })).status, 1);
  });

  it('reports a failure that ends it, with the status of its code', async () => {
    const act = failing(new Failure('repository-busy', 'held by process 7', { hint: 'wait' }));
    const { status, stdout, stderr } = await unpackd(['convert', 'r', '--json'], { act });
    assert.equal(status, 3);
    assert.equal(stderr, 'error[repository-busy] held by process 7; wait\n');
    assert.deepEqual(JSON.parse(stdout), {
      problems: [{ code: 'repository-busy', message: 'held by process 7', hint: 'wait' }],
    });
  });

  it('shows the stack of a mistake of its own, without secrets', async () => {
    const act = failing(new TypeError('password=s3cret is not a function'));
    const { status, stdout, stderr } = await unpackd(['convert', 'r'], { act });
    assert.deepEqual([status, stdout], [70, '']);
    assert.match(stderr, /^error\[bug\] .*bug in unpackd.*\n {2}TypeError: password=\*\*\* .*\n {2}at /);
  });

  it('does not begin with a wrong configuration', async () => {
    const { status, stderr, context } = await unpackd(['convert', 'r', '--wait', 'soon']);
    assert.deepEqual([status, context], [2, undefined]);
    assert.match(stderr, /^error\[configuration-invalid\] --wait: "soon"/);
  });

  it('says all that is wrong with the file, each on a line, by its line', async () => {
    const config = join(await temporaryDirectory('run'), 'unpackd.yaml');
    await writeFile(config, 'registries:\n  quay.io:\n    usrname: x\nrot: /x\nwait: soon\n');
    const { status, stdout, stderr } = await unpackd(['convert', 'r', '--config', config, '--json']);
    assert.equal(status, 2);
    const lines = stderr.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => line.slice(0, `error[configuration-invalid] ${config}:3`.length)),
      ['3', '4', '5'].map((line) => `error[configuration-invalid] ${config}:${line}`),
    );
    assert.match(lines.at(-1) ?? '', /"unpackd config check"/);
    assert.equal(JSON.parse(stdout).problems.length, 3);
    await writeFile(config, 'json: true\nwait: soon\n');
    assert.equal(JSON.parse((await unpackd(['convert', 'r', '--config', config])).stdout).problems.length, 1);
  });

  it('does not begin where the notification file cannot be opened', async () => {
    const { status, stderr, context } = await unpackd(['convert', 'r', '-n', '/nonexistent/n']);
    assert.deepEqual([status, context], [2, undefined]);
    assert.match(stderr, /^error\[configuration-invalid\] .*\/nonexistent\/n/);
  });

  it('tells the output and the notification file what happens, to the end', async () => {
    const file = join(await temporaryDirectory('run'), 'n');
    const act = failing(
      new Failure('interrupted', 'stopped by SIGTERM'),
      { type: 'image-started', image: 'quay.io/a:1' },
      { type: 'warning', message: 'careful' },
    );
    const { status, stderr } = await unpackd(['convert', 'r', '-n', file], { act });
    assert.equal(status, 130);
    assert.equal(stderr, 'warning: careful\nerror[interrupted] stopped by SIGTERM\n');
    const actions = [...(await readFile(file, 'utf8')).matchAll(/"action":"(\w+)"/g)].map(
      ([, action]) => action,
    );
    assert.deepEqual(actions, ['start_ducc', 'start_flat_conversion', 'end_flat_conversion', 'end_ducc']);
  });
});
