import assert from 'node:assert/strict';
import { RoundRobin } from '../../../publisher/pipeline/round-robin.ts';

describe('publisher/pipeline/round-robin', () => {
  function waiting(...items: readonly string[]): RoundRobin<string> {
    const turns = new RoundRobin<string>();
    for (const item of items) turns.add(item.slice(0, 1), item);
    return turns;
  }

  const cases: [what: string, items: string[], order: string[]][] = [
    ['nothing', [], []],
    ['one group in order', ['a1', 'a2', 'a3'], ['a1', 'a2', 'a3']],
    ['two groups by turns', ['a1', 'a2', 'a3', 'b1', 'b2'], ['a1', 'b1', 'a2', 'b2', 'a3']],
    ['three, of which one is short', ['a1', 'a2', 'b1', 'c1', 'c2'], ['a1', 'b1', 'c1', 'a2', 'c2']],
  ];
  for (const [what, items, order] of cases) {
    it(`takes ${what}`, () => {
      const turns = waiting(...items);
      const taken: string[] = [];
      for (let next = turns.take(() => true); next !== undefined; next = turns.take(() => true))
        taken.push(next.item);
      assert.deepEqual(taken, order);
      assert.equal(turns.all().length, 0);
    });
  }

  it('passes over what is not accepted, which stays first of its group', () => {
    const turns = waiting('a1', 'a2', 'b1');
    assert.deepEqual(
      turns.take((item) => (item === 'a2' ? 'room' : undefined)),
      { item: 'a2', given: 'room' },
    );
    assert.deepEqual(turns.all().sort(), ['a1', 'b1']);
    assert.equal(
      turns.take(() => undefined),
      undefined,
    );
    assert.equal(turns.all().length, 2);
    assert.deepEqual(turns.clear().sort(), ['a1', 'b1']);
    assert.equal(turns.all().length, 0);
  });
});
