import assert from 'node:assert/strict';
import type { Report } from '../../../daemon/output/results.ts';
import type { PlatformResult } from '../../../publisher/image/results.ts';
import { createOutput } from '../../../daemon/output/output.ts';
import type { Output } from '../../../daemon/output/output.ts';
import type { Configuration } from '../../../daemon/configuration/options.ts';
import type { Event } from '../../../publisher/image/events.ts';
import { Failure } from '../../../core/failure.ts';
import { capture } from '../cli/capture.ts';
import { BAD, CONFIG, EVENTS, FAILED, GOOD, LAYER, PUBLISHED } from '../cli/run-events.ts';
import { screenOf } from './screen.ts';

interface Given {
  readonly json?: boolean;
  readonly progress?: Configuration['progress'];
  readonly logLevel?: Configuration['logLevel'];
  readonly columns?: number;
  readonly term?: string;
}

interface Captured {
  readonly output: Output;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

async function captured({
  json = false,
  progress = 'auto',
  logLevel = 'info',
  columns,
  term,
}: Given): Promise<Captured> {
  const stdout = capture();
  const stderr = capture(columns);
  const output = await createOutput({
    configuration: { json, progress, logLevel, root: '/cvmfs' },
    environment: { TERM: term, NO_COLOR: '1' },
    stdout,
    stderr,
  });
  return { output, stdout: stdout.text, stderr: stderr.text };
}

function reportOf(...images: PlatformResult[]): Report {
  return {
    unusable: [],
    repositories: [{ repository: 'unpacked.example.org', images, publications: 1 }],
  };
}

const REPORT = reportOf(
  { image: GOOD, platform: undefined, result: PUBLISHED },
  { image: BAD, platform: undefined, result: FAILED },
);

/** At the end, without how long it took. */
const SUMMARY = '1 published, 1 failed; 2.0 kB fetched';

const BAD_LINE = `error[digest-mismatch] ${BAD}: https://***@quay.io sent other bytes; ask the registry`;
const BAD_ON_TERMINAL = BAD_LINE.replace('; ', '\n  hint: ');

async function run(given: Given): Promise<Captured> {
  const result = await captured(given);
  for (const event of EVENTS) result.output.observe(event);
  result.output.report(REPORT);
  result.output.close();
  return result;
}

describe('daemon/output/output: output', () => {
  it('is one line for each thing that happened where stderr is no terminal', async () => {
    const lines = (await run({}))
      .stderr()
      .replace(/ in \d+ ms\n$/, '\n')
      .split('\n');
    assert.match(lines[4] ?? '', /^publication done: 1 new layer in unpacked\.example\.org after /);
    lines.splice(4, 1);
    assert.deepEqual(lines, [
      'warning: slow registry',
      'fetched sha256:aaaaaaaaaaaa (2.0 kB) of quay.io/lab/a:1',
      BAD_LINE,
      'publishing 1 image (6.0 kB) in unpacked.example.org',
      SUMMARY,
      '',
    ]);
  });

  it('has the stack of a mistake, whatever is asked for, without secrets', async () => {
    for (const logLevel of ['debug', 'info', 'warning', 'error'] as const) {
      const { output, stderr } = await captured({ progress: 'none', logLevel });
      const stack = 'TypeError: https://ada:Corr3ct@registry.example/v2/ is none\n    at look (look.ts:1:2)';
      output.observe({ type: 'bug', image: GOOD, stack });
      assert.match(stderr(), /^  TypeError: .*registry\.example.* is none\n {2}at look \(look\.ts:1:2\)\n$/);
      assert.ok(!stderr().includes('Corr3ct'));
    }
  });

  it('is warnings and failures alone with --progress none', async () => {
    assert.equal(
      (await run({ progress: 'none', columns: 80 })).stderr(),
      `warning: slow registry\n${BAD_ON_TERMINAL}\n`,
    );
  });

  it('shows notes and what a publication failed for, without secrets', async () => {
    const { output, stderr } = await captured({ progress: 'plain' });
    output.observe({ type: 'note', message: 'two\nlines' });
    output.observe({
      type: 'publication-finished',
      repository: 'unpacked.example.org',
      layers: [],
      error: 'password=s3cret',
    });
    output.close();
    assert.equal(stderr(), 'two lines\npublication in unpacked.example.org failed: password=***\n');
  });

  const REQUEST = {
    type: 'request',
    method: 'GET',
    url: 'https://me:s3cret@quay.io/v2/lab/a/tags/list',
    status: 200,
    error: undefined,
    durationMs: 300,
    tryNumber: 2,
    bytes: 1200,
    isAuthorized: true,
  } as const satisfies Event;
  const REQUEST_LINE =
    'GET https://***@quay.io/v2/lab/a/tags/list: 200, 1.2 kB in 0.3 s (try 2, with credentials)\n';

  for (const progress of ['plain', 'bar', 'none'] as const) {
    it(`shows requests with --log-level debug alone, with --progress ${progress} too`, async () => {
      for (const logLevel of ['debug', 'info', 'warning', 'error'] as const) {
        const { output, stderr } = await captured({ progress, logLevel, columns: 80 });
        output.observe(REQUEST);
        output.close();
        assert.equal(stderr(), logLevel === 'debug' ? REQUEST_LINE : '', logLevel);
      }
    });
  }

  it('says why a request got no answer', async () => {
    const { output, stderr } = await captured({ logLevel: 'debug' });
    const [status, error] = [undefined, 'connection refused'];
    output.observe({
      ...REQUEST,
      url: 'https://r/',
      status,
      error,
      bytes: 0,
      tryNumber: 1,
      isAuthorized: false,
    });
    assert.equal(stderr(), 'GET https://r/: connection refused, 0 B in 0.3 s\n');
  });

  for (const [logLevel, lines] of [
    ['warning', `warning: slow registry\n${BAD_LINE}\n`],
    ['error', `${BAD_LINE}\n`],
  ] as const) {
    it(`leaves out what matters less with --log-level ${logLevel}, results excepted`, async () => {
      for (const columns of [undefined, 80]) {
        const { stdout, stderr } = await run({ logLevel, ...(columns === undefined ? {} : { columns }) });
        assert.equal(stderr(), columns === undefined ? lines : lines.replace(BAD_LINE, BAD_ON_TERMINAL));
        assert.equal(stdout(), (await run({})).stdout());
      }
    });
  }

  it('reports a line an image on stdout', async () => {
    assert.equal(
      (await run({})).stdout(),
      'published quay.io/lab/a:1 /cvmfs/unpacked.example.org/quay.io/lab/a:1\n' +
        'failed    quay.io/lab/b:1 digest-mismatch\n',
    );
  });

  it('names no public path where none was made', async () => {
    const { output, stdout } = await captured({});
    const result = { ...PUBLISHED, flatPath: undefined };
    output.report(reportOf({ image: GOOD, platform: undefined, result }));
    assert.equal(stdout(), 'published quay.io/lab/a:1\n');
  });

  it('tells for which platform, in the line and in the document', async () => {
    const report = reportOf({ image: GOOD, platform: 'linux/arm64', result: PUBLISHED });
    const text = await captured({});
    text.output.report(report);
    assert.match(text.stdout(), /^published quay\.io\/lab\/a:1 \(linux\/arm64\) /);
    const json = await captured({ json: true });
    json.output.report(report);
    assert.equal(JSON.parse(json.stdout()).images[0].platform, 'linux/arm64');
  });

  for (const image of ['quay.io/auth/passwd:1.0', 'quay.io/lab/password:token', 'quay.io/a/basic:1']) {
    it(`leaves the name ${image} as it is, in the line and in the document`, async () => {
      const result = { ...PUBLISHED, publicPath: image };
      for (const json of [false, true]) {
        const { output, stdout, stderr } = await captured({ json, progress: 'plain' });
        output.observe({ type: 'layer-finished', image, layer: LAYER, sizeBytes: 1, error: undefined });
        output.report(reportOf({ image, platform: undefined, result }));
        assert.equal(stderr().split('\n')[0], `fetched sha256:aaaaaaaaaaaa (1 B) of ${image}`);
        if (json) assert.equal(JSON.parse(stdout()).images[0].publicPath, image);
        else assert.equal(stdout(), `published ${image} /cvmfs/unpacked.example.org/${image}\n`);
      }
    });
  }

  it('tells of an interruption in one line, with how many images are not done', async () => {
    const result = { outcome: 'failed', code: 'interrupted', message: 'by SIGINT', hint: 'go on' } as const;
    const undone = ['quay.io/a:1', 'quay.io/a:2', 'quay.io/a:3'].map((image) => ({
      image,
      platform: undefined,
      result,
    }));
    const done = { image: GOOD, platform: undefined, result: PUBLISHED };
    const { output, stdout, stderr } = await captured({ progress: 'none' });
    for (const { image } of undone) output.observe({ type: 'image-finished', image, result });
    output.report(reportOf(done, ...undone));
    output.close();
    assert.equal(stderr(), 'error[interrupted] by SIGINT: 3 images not done; go on\n');
    assert.equal(stdout(), 'published quay.io/lab/a:1 /cvmfs/unpacked.example.org/quay.io/lab/a:1\n');
    const json = await captured({ json: true });
    json.output.report(reportOf(done, ...undone));
    assert.equal(JSON.parse(json.stdout()).images.length, 4);
    assert.match(json.stderr(), /^1 published, 3 not done; 0 B fetched in /);
    const thrown = await captured({});
    thrown.output.observe({ type: 'image-finished', image: GOOD, result });
    thrown.output.failure(new Failure('interrupted', 'by SIGTERM'));
    thrown.output.close();
    assert.equal(thrown.stderr(), 'error[interrupted] by SIGTERM: 1 image not done\n');
  });

  it('tells of images that lost their public names', async () => {
    const removed = [{ image: 'quay.io/a:1', reason: 'no line asks for it any more' }];
    const report = {
      unusable: [],
      repositories: [{ repository: 'x.test', images: [], publications: 1, removed }],
    };
    const { output, stdout, stderr } = await captured({});
    output.report(report);
    assert.equal(stdout(), 'removed   quay.io/a:1\n');
    assert.match(stderr(), /^1 removed; /m);
    const json = await captured({ json: true });
    json.output.report(report);
    assert.deepEqual(JSON.parse(json.stdout()).removed, [{ repository: 'x.test', ...removed[0] }]);
  });

  it('adds up with --json for how long cvmfs_server had nothing to read', async () => {
    const { output, stdout } = await captured({ json: true });
    const finished = {
      type: 'publication-finished',
      repository: 'x.test',
      layers: [],
      error: undefined,
    } as const;
    for (const inputWaitMs of [undefined, 0.4, 12.3]) output.observe({ ...finished, inputWaitMs });
    output.report(REPORT);
    assert.equal(JSON.parse(stdout()).inputWaitMs, 13);
  });

  it('reports one JSON document with --json, the failures of no image among it', async () => {
    const { output, stdout, stderr } = await captured({ json: true });
    output.failure(
      new Failure('reference-invalid', 'token=s3cret is no image', { hint: 'mend it' }),
      'line 3',
    );
    output.report(REPORT);
    output.close();
    assert.deepEqual(JSON.parse(stdout()), {
      repositories: ['unpacked.example.org'],
      images: [
        {
          image: GOOD,
          repository: 'unpacked.example.org',
          outcome: 'published',
          config: CONFIG,
          publicPath: GOOD,
          flatPath: PUBLISHED.flatPath,
        },
        {
          image: BAD,
          repository: 'unpacked.example.org',
          outcome: 'failed',
          code: 'digest-mismatch',
          message: 'https://***@quay.io sent other bytes',
          hint: 'ask the registry',
        },
      ],
      removed: [],
      publications: 1,
      problems: [{ code: 'reference-invalid', message: 'line 3: token=*** is no image', hint: 'mend it' }],
    });
    assert.match(
      stderr(),
      /^error\[reference-invalid\] line 3: token=\*\*\* is no image; mend it\n1 published/,
    );
  });

  it('still prints a JSON document where a failure ended the run before any result', async () => {
    const { output, stdout } = await captured({ json: true });
    output.failure(new Failure('repository-busy', 'held by another'));
    output.close();
    assert.deepEqual(JSON.parse(stdout()), {
      problems: [{ code: 'repository-busy', message: 'held by another' }],
    });
  });

  it('prints nothing on stdout without a result', async () => {
    for (const json of [false, true]) {
      const { output, stdout } = await captured({ json });
      output.observe({ type: 'warning', message: 'x' });
      output.close();
      assert.equal(stdout(), '');
    }
  });

  it('prints other results as text or as a document, and bytes as they are', async () => {
    for (const [json, expected] of [
      [false, 'no problem\n'],
      [true, '{\n  "problems": 0\n}\n'],
    ] as const) {
      const { output, stdout } = await captured({ json });
      output.print('no problem\n', { problems: 0 });
      output.raw(Buffer.from('{"a":\u00091}'));
      assert.equal(stdout(), `${expected}{"a":\u00091}`);
    }
  });
});

describe('daemon/output/output: output on a terminal', () => {
  it('shows bars while it goes on, lines above them, and takes the bars away', async () => {
    const { output, stdout, stderr } = await captured({ columns: 60 });
    const half = EVENTS.findIndex(({ type }) => type === 'publication-bytes');
    for (const event of EVENTS.slice(0, half)) output.observe(event);
    const long = `warning ${'that is longer than a line of the terminal '.repeat(3)}`.trim();
    for (const message of ['short', long, 'third']) output.observe({ type: 'warning', message });
    const meanwhile = screenOf(stderr());
    const bars = [
      /^images {4}\[.*\] +50% 1 of 2$/,
      /^fetched {3}\[.*\] +100% 2\.0 kB of 2\.0 kB$/,
      /^published \[.*\] +0% 0 B of 6\.0 kB$/,
    ];
    bars.forEach((bar, index) => assert.match(meanwhile[9 + index] ?? '', bar));
    assert.equal(meanwhile.length, 12);
    for (const event of EVENTS.slice(half)) output.observe(event);
    output.report(REPORT);
    output.failure(new Failure('disk-full', 'after the bars'));
    output.close();
    const shown = screenOf(stderr());
    assert.deepEqual(
      shown
        .splice(9, 1)
        .join('')
        .replace(/ in .*/, ''),
      SUMMARY,
    );
    assert.deepEqual(shown, [
      'warning: slow registry',
      'error[digest-mismatch] quay.io/lab/b:1: https://***@quay.io',
      '  sent other bytes',
      '  hint: ask the registry',
      'warning: short',
      'warning: warning that is longer than a line of the terminal',
      '  that is longer than a line of the terminal that is longer',
      '  than a line of the terminal',
      'warning: third',
      'error[disk-full] after the bars',
    ]);
    assert.equal(stdout().split('\n').length, 3);
  });

  it('leaves lines alone that came before the first bar', async () => {
    const { output, stderr } = await captured({ columns: 80 });
    output.observe({ type: 'note', message: 'first' });
    output.observe({ type: 'images', count: 3 });
    output.observe({ type: 'note', message: 'second' });
    output.close();
    assert.deepEqual(screenOf(stderr()), ['first', 'second']);
  });

  it('survives a narrow terminal and a second run', async () => {
    const { output, stderr } = await captured({ columns: 10 });
    for (const event of [...EVENTS, ...EVENTS]) output.observe(event);
    output.close();
    output.close();
    const lines = screenOf(stderr());
    assert.equal(lines.filter((line) => line === BAD_LINE.replace(/; .*/, '')).length, 2);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('images')),
      [],
    );
  });

  const displays: readonly (readonly [what: string, given: Given, bars: boolean])[] = [
    ['a terminal', { columns: 80 }, true],
    ['a terminal, plain', { columns: 80, progress: 'plain' }, false],
    ['a dumb terminal', { columns: 80, term: 'dumb' }, false],
    ['a dumb terminal, bars asked for', { columns: 80, term: 'dumb', progress: 'bar' }, true],
    ['a pipe, bars asked for', { progress: 'bar' }, false],
  ];
  for (const [what, given, bars] of displays) {
    it(`has ${bars ? 'bars' : 'lines'} on ${what}`, async () => {
      assert.equal((await run(given)).stderr().includes('\u001b'), bars);
    });
  }
});
