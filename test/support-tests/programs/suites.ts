import { describeWith, needs, skip } from '../../support/programs.ts';

/** No test: what mocha is to run for `programs.test.ts`. Only the first three suites can be run where all is well. */

const MISSING = 'no-such-program';

describeWith([MISSING], 'a suite', () => {
  const never = (): never => {
    throw new Error('a hook of a skipped suite has run');
  };
  before(never);
  beforeEach(never);
  afterEach(never);
  after(never);
  it('has a test', never);
  describe('within', () => {
    before(never);
    after(never);
    it('has another', never);
  });
});

describeWith(['sh'], 'a suite with what it needs', () => {
  it('runs', () => undefined);
  it('has a test', function () {
    needs(this, 'sh', MISSING);
    throw new Error('a skipped test goes on');
  });
});

describe('a test', () => {
  it('is skipped for a reason', function () {
    skip(this, 'of the weather');
  });
});

for (const [name, hook] of Object.entries({ before, beforeEach, afterEach, after })) {
  describe(`a hook that needs something, ${name}`, () => {
    hook(function () {
      needs(this, 'sh');
    });
    it('has a test', () => undefined);
  });
  describe(`a hook that skips, ${name}`, () => {
    hook(function () {
      skip(this, 'of the weather');
    });
    it('has a test', () => undefined);
  });
}
