import assert from 'node:assert/strict';
import { CycleLog } from '../../../daemon/service/cycle-log.ts';
import type { LogRecord } from '../../../daemon/systemd/log.ts';

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
});
