import assert from 'node:assert/strict';
import { CycleLog } from '../../../daemon/service/cycle-log.ts';
import { LINUX_AMD64 } from '../../../core/oci/platform.ts';
import type { RepositoryReport } from '../../../daemon/cycle/repository-work.ts';
import type { Plan } from '../../../wishlist/meaning/plan.ts';
import type { LogRecord } from '../../../daemon/systemd/log.ts';
import { Repetition } from '../../../daemon/service/cycle-log.ts';

const IMAGE = 'quay.io/lab/tool:1';
const REPOSITORY = 'images.unpackd.test';

describe('daemon/service/cycle-log: the log of the daemon', () => {
  it('has the stack of a mistake, line by line, with the image that it came up for', () => {
    const records: LogRecord[] = [];
    const cycleLog = new CycleLog({ write: (record) => void records.push(record) }, () => 0);
    cycleLog.observer(REPOSITORY)({
      type: 'bug',
      image: IMAGE,
      stack: 'TypeError: x\n    at look (look.ts:1:2)',
    });
    const fields = { repository: REPOSITORY, image: IMAGE, code: 'bug' };
    assert.deepEqual(records, [
      { priority: 3, message: 'TypeError: x', fields },
      { priority: 3, message: '    at look (look.ts:1:2)', fields },
    ]);
  });

  it('names a publication that comes from no image by its title', () => {
    const messages: string[] = [];
    const cycleLog = new CycleLog({ write: ({ message }) => void messages.push(message) }, () => 0);
    const observe = cycleLog.observer(REPOSITORY);
    observe({
      type: 'publication-started',
      repository: 'unpacked.example.org',
      images: 0,
      contentBytes: 0,
      title: `removal of ${IMAGE}`,
    });
    observe({
      type: 'publication-finished',
      repository: 'unpacked.example.org',
      layers: [],
      revision: 7,
      inputWaitMs: 1234,
      error: undefined,
    });
    assert.match(
      messages.join(),
      /^published removal of quay\.io\/lab\/tool:1 .* as revision 7; cvmfs_server waited 1\.2 s for input$/,
    );
  });

  for (const [dueMs, end] of [
    [
      Date.UTC(2026, 0, 3),
      /^quay\.io\/lab\/tool:1 stays until 2026-01-0[23] .*: no line asks for it any more$/,
    ],
    [undefined, /^quay\.io\/lab\/tool:1 stays for good, as was asked for: no line asks for it any more$/],
  ] as const)
    it(`says once until when an image stays: ${dueMs === undefined ? 'for good' : 'a time'}`, () => {
      const messages: string[] = [];
      const cycleLog = new CycleLog({ write: ({ message }) => void messages.push(message) }, () => 0);
      const published = { publicName: IMAGE, unwantedSinceMs: undefined };
      const nothing = { add: [], update: [], unknown: [], unchanged: [] };
      const plan = { ...nothing, remove: [{ published, reason: 'line gone', dueMs }] } as unknown as Plan;
      for (let time = 0; time < 2; time++) cycleLog.planned(REPOSITORY, plan);
      assert.equal(messages.length, 1);
      assert.match(messages[0] ?? '', end);
    });

  const publishing = [{ image: { publicName: IMAGE }, platform: LINUX_AMD64, digest: 'sha256:c' }];
  const plans: [what: string, more: object, outcome: string, said: readonly string[]][] = [
    ['all images are current', {}, 'unchanged', ['all 2 images are current']],
    ['one is to be added', { add: publishing }, 'unchanged', ['1 image to add']],
    ['one is not known', { unknown: publishing }, 'unchanged', []],
    ['one failed', {}, 'failed', []],
  ];
  for (const [what, more, outcome, said] of plans)
    it(`says that nothing was to be done after the first cycle, where ${what}`, () => {
      const messages: string[] = [];
      const cycleLog = new CycleLog({ write: ({ message }) => void messages.push(message) }, () => 0);
      const nothing = { add: [], update: [], unknown: [], remove: [] };
      cycleLog.planned(REPOSITORY, { ...nothing, unchanged: [{}, {}], ...more } as unknown as Plan);
      const images = [{ image: IMAGE, platform: undefined, result: { outcome } }];
      const report = {
        repository: REPOSITORY,
        images,
        publications: 0,
        stopped: undefined,
        isUnusable: false,
      };
      cycleLog.firstCycleEnded([report as unknown as RepositoryReport]);
      assert.deepEqual(messages, said);
    });
});

const DAY_MS = 86_400_000;

describe('daemon/service/cycle-log: repetition in a log', () => {
  it('is news once a day, and when the clock was set back', () => {
    let nowMs = DAY_MS;
    const repetition = new Repetition(() => nowMs);
    const seen = [0, 1, DAY_MS - 1, DAY_MS, DAY_MS + 1, -1].map((ms) => {
      nowMs = DAY_MS + ms;
      return repetition.isNew('a');
    });
    assert.deepEqual(seen, [true, false, false, true, false, true]);
    assert.equal(repetition.isNew('b'), true);
  });

  it('is news again after very many others', () => {
    const repetition = new Repetition(() => 0);
    assert.equal(repetition.isNew('a'), true);
    assert.equal(repetition.isNew('a'), false);
    for (let index = 0; index < 10_000; index++) repetition.isNew(String(index));
    assert.equal(repetition.isNew('a'), true);
  });
});
