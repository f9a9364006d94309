import assert from 'node:assert/strict';
import { CycleLog } from '../../../daemon/service/cycle-log.ts';
import type { LogRecord } from '../../../daemon/systemd/log.ts';
import { Repetition } from '../../../daemon/service/cycle-log.ts';

const IMAGE = 'quay.io/lab/tool:1';
const REPOSITORY = 'images.unpackd.test';

describe('the log of the daemon', () => {
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
    observe({ type: 'publication-started', images: 0, contentBytes: 0, title: `removal of ${IMAGE}` });
    observe({ type: 'publication-finished', layers: [], revision: 7, error: undefined });
    assert.match(messages.join(), /^published removal of quay\.io\/lab\/tool:1 .* as revision 7$/);
  });
});

const DAY_MS = 86_400_000;

describe('repetition in a log', () => {
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

  it('is news again when it was forgotten, also among very many', () => {
    const repetition = new Repetition(() => 0);
    assert.equal(repetition.isNew('a'), true);
    repetition.forget('a');
    assert.equal(repetition.isNew('a'), true);
    for (let index = 0; index < 10_000; index++) repetition.isNew(String(index));
    assert.equal(repetition.isNew('a'), true);
  });
});
