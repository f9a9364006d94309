import assert from 'node:assert/strict';
import { TextPool } from '../../../publisher/packed/text-pool.ts';

const EVERY_BYTE = String.fromCharCode(...Array.from({ length: 256 }, (_, index) => index));

describe('publisher/packed/text-pool', () => {
  it('gives back each text by its position', () => {
    const pool = new TextPool();
    const texts = ['', 'a', EVERY_BYTE, 'x'.repeat(3_584), '', 'y'.repeat(65_534), 'z'];
    const positions = texts.map((text) => pool.add(text));
    assert.deepEqual(
      positions.map((position) => pool.at(position)),
      texts,
    );
  });

  it('has the empty text at 0 from the start', () => {
    const pool = new TextPool();
    assert.equal(pool.at(0), '');
    assert.equal(pool.add(''), 0);
    assert.notEqual(pool.add('a'), 0);
  });

  it('keeps texts of all lengths, over many chunks', () => {
    const pool = new TextPool();
    const texts = Array.from({ length: 20_000 }, (_, index) => `${index}${'-'.repeat(index % 300)}`);
    const positions = texts.map((text) => pool.add(text));
    for (const [index, text] of texts.entries()) assert.equal(pool.at(positions[index] ?? 0), text);
  });

  it('tells which text is at a position', () => {
    const pool = new TextPool();
    const position = pool.add(EVERY_BYTE);
    assert.ok(pool.isAt(position, EVERY_BYTE));
    for (const other of ['', EVERY_BYTE.slice(1), `${EVERY_BYTE}x`, `x${EVERY_BYTE.slice(1)}`])
      assert.ok(!pool.isAt(position, other));
    assert.ok(pool.isAt(0, ''));
  });

  it('refuses a text that its length cannot be written of', () => {
    const pool = new TextPool();
    assert.throws(() => pool.add('x'.repeat(65_535)), /too long/);
  });
});
