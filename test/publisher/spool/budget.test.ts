import assert from 'node:assert/strict';
import { SpoolBudget } from '../../../publisher/spool/budget.ts';

describe('publisher/spool/budget', () => {
  it('is taken and given back', () => {
    const budget = new SpoolBudget(80);
    const taken = [10, 10, 10, 10].map((bytes) => budget.take(bytes));
    assert.ok(taken.every((one) => one !== undefined));
    assert.equal(budget.take(1), undefined);
    taken[0]?.();
    taken[0]?.();
    assert.notEqual(budget.take(10), undefined);
    assert.equal(budget.take(1), undefined);
  });

  it('has place for one large image at a time, whatever its size, and for small ones meanwhile', () => {
    const budget = new SpoolBudget(80);
    const large = budget.take(1000);
    assert.notEqual(large, undefined);
    assert.equal(budget.take(11), undefined);
    assert.notEqual(budget.take(10), undefined);
    large?.();
    assert.notEqual(budget.take(11), undefined);
  });

  it('leaves a quarter to other registries where one takes all', () => {
    const budget = new SpoolBudget(80);
    while (budget.take(10, [], 'slow.example') !== undefined);
    const taken = [10, 1].map((bytes) => budget.take(bytes, [], 'good.example') !== undefined);
    assert.deepEqual(taken, [true, false]);
  });

  it('has place for large images of several registries where they fit', () => {
    const budget = new SpoolBudget(80);
    const takes = (bytes: number, registry: string): boolean =>
      budget.take(bytes, [], registry) !== undefined;
    assert.deepEqual(
      [
        takes(20, 'slow.example'),
        takes(12, 'slow.example'),
        takes(20, 'good.example'),
        takes(11, 'c.example'),
      ],
      [true, false, true, false],
    );
  });

  it('always has place for what brings nothing', () => {
    const budget = new SpoolBudget(8);
    while (budget.take(1) !== undefined);
    assert.notEqual(budget.take(0), undefined);
  });

  it('tells whoever waits, until he no longer does', () => {
    const budget = new SpoolBudget(80);
    let told = 0;
    const forget = budget.onFree(() => told++);
    budget.take(10)?.();
    assert.equal(told, 1);
    forget();
    budget.take(10)?.();
    assert.equal(told, 1);
  });
});
