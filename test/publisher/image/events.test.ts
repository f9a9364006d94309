import assert from 'node:assert/strict';
import { contained, type Event } from '../../../publisher/image/events.ts';

describe('publisher/image/events', () => {
  it('that fails does not end what it is told of, and is told of its mistake', () => {
    const told: Event[] = [];
    const observe = contained((event) => {
      if (event.type === 'image-started') throw new RangeError('Invalid string length');
      told.push(event);
    });
    observe({ type: 'image-started', image: 'quay.io/lab/tool:1' });
    observe({ type: 'note', message: 'x' });
    assert.deepEqual(
      told.map(({ type }) => type),
      ['bug', 'note'],
    );
    const [bug] = told;
    assert.ok(bug?.type === 'bug');
    assert.equal(bug.image, 'quay.io/lab/tool:1');
    assert.match(bug.stack, /^RangeError: Invalid string length\n +at /);
  });

  it('that always fails is not in the way', () => {
    const observe = contained(() => {
      throw new Error('broken');
    });
    observe({ type: 'note', message: 'x' });
  });
});
