import assert from 'node:assert/strict';
import { createProgress } from '../../../daemon/output/bars.ts';
import type { Event } from '../../../publisher/image/events.ts';
import { BROKEN_LAYER, EVENTS, GOOD, LAYER } from '../cli/run-events.ts';

function amountsAfter(events: readonly Event[]): unknown {
  const progress = createProgress();
  for (const event of events) progress.observe(event);
  return progress.amounts();
}

const started: Event = { type: 'layer-started', image: GOOD, layer: LAYER, sizeBytes: 100 };

describe('daemon/output/bars', () => {
  it('adds up a run, without the layer that failed', () => {
    assert.deepEqual(amountsAfter(EVENTS), {
      images: { done: 2, total: 2 },
      downloads: { done: 2000, total: 2000 },
      publication: { done: 6000, total: 6000 },
    });
  });

  it('does not wait for what is passed over', () => {
    const { images } = amountsAfter([
      { type: 'images', count: 2 },
      { type: 'image-started', image: GOOD },
      { type: 'image-passed-over', image: GOOD },
    ]) as { images: unknown };
    assert.deepEqual(images, { done: 0, total: 1 });
  });

  it('knows nothing at first', () => {
    const nothing = { done: 0, total: 0 };
    assert.deepEqual(amountsAfter([]), { images: nothing, downloads: nothing, publication: nothing });
  });

  const downloads: readonly (readonly [
    what: string,
    events: readonly Event[],
    done: number,
    total: number,
  ])[] = [
    ['what arrived', [started, { type: 'layer-bytes', layer: LAYER, bytes: 30 }], 30, 100],
    ['no more than there is', [started, { type: 'layer-bytes', layer: LAYER, bytes: 300 }], 100, 100],
    [
      'a layer once that begins anew',
      [started, { type: 'layer-bytes', layer: LAYER, bytes: 30 }, started],
      0,
      100,
    ],
    ['nothing of a layer that never began', [{ type: 'layer-bytes', layer: BROKEN_LAYER, bytes: 30 }], 0, 0],
  ];
  for (const [what, events, done, total] of downloads) {
    it(`counts ${what}`, () => {
      const progress = createProgress();
      for (const event of events) progress.observe(event);
      assert.deepEqual(progress.amounts().downloads, { done, total });
    });
  }
});
