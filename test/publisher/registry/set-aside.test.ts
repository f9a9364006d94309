import { strict as assert } from 'node:assert';
import { SetAside, type RegistryQuery } from '../../../publisher/registry/endpoints.ts';
import { Failure, isFailure } from '../../../core/failure.ts';

const MINUTE_MS = 60_000;
const SLOW = new Failure('registry-timeout', 'it drips');
const ASKED: RegistryQuery = { host: 'slow.example', repository: 'lab/tool', kind: 'manifest' };

describe('publisher/registry/set-aside', () => {
  let nowMs: number;
  let setAside: SetAside;
  beforeEach(() => {
    nowMs = 1_000_000;
    setAside = new SetAside(5 * MINUTE_MS, () => nowMs);
  });

  /** Whether what is asked for is refused. */
  function isRefused(asked: Partial<RegistryQuery> = {}): boolean {
    try {
      setAside.check({ ...ASKED, ...asked });
      return false;
    } catch (error) {
      assert(isFailure(error, 'registry-timeout'));
      assert.match(error.message, /^the registry slow\.example is set aside.* until .*: it drips$/);
      return true;
    }
  }

  /** Minutes after which it is asked again. */
  function restOf(asked: Partial<RegistryQuery> = {}): number {
    setAside.late({ ...ASKED, ...asked }, SLOW, nowMs);
    const beganMs = nowMs;
    while (isRefused(asked)) nowMs += MINUTE_MS;
    return (nowMs - beganMs) / MINUTE_MS;
  }

  it('leaves a host alone for a growing time, up to an hour', () => {
    assert.deepEqual(
      Array.from({ length: 7 }, () => restOf()),
      [5, 10, 20, 40, 60, 60, 60],
    );
  });

  it('asks other hosts meanwhile', () => {
    setAside.late(ASKED, SLOW, nowMs);
    assert.deepEqual(
      [isRefused({ repository: 'other', kind: 'blob' }), isRefused({ host: 'good.example' })],
      [true, false],
    );
  });

  it('counts those that are late together as one', () => {
    for (let image = 0; image < 8; image++) setAside.late(ASKED, SLOW, nowMs);
    nowMs += 5 * MINUTE_MS;
    assert.equal(isRefused(), false);
  });

  it('forgets it when it was in time', () => {
    restOf();
    restOf();
    setAside.done(ASKED);
    nowMs += 1;
    assert.equal(restOf(), 5);
  });

  it('leaves alone only what is late of a host that gives other things meanwhile', () => {
    const beganMs = nowMs;
    nowMs += MINUTE_MS;
    setAside.done({ ...ASKED, repository: 'lab/good' });
    setAside.late({ ...ASKED, repository: 'lab/huge', kind: 'tag list' }, SLOW, beganMs);
    assert.deepEqual(
      [
        isRefused({ repository: 'lab/huge', kind: 'tag list' }),
        isRefused({ repository: 'lab/huge' }),
        isRefused(),
      ],
      [true, false, false],
    );
  });
});
