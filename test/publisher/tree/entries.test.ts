import assert from 'node:assert/strict';
import { TextPool } from '../../../publisher/packed/text-pool.ts';
import { Entries } from '../../../publisher/tree/entries.ts';

describe('publisher/tree/entries', () => {
  it('finds each name in its directory alone', () => {
    const entries = new Entries(new TextPool());
    const added: [directory: number, name: string, entry: number][] = [];
    for (let directory = 0; directory < 300; directory++) {
      for (const name of ['a', 'b', '\xff', `only-${directory}`, 'x'.repeat(255)])
        added.push([directory, name, entries.add(directory, name)]);
    }
    assert.equal(new Set(added.map(([, , entry]) => entry)).size, added.length);
    for (const [directory, name, entry] of added) {
      assert.equal(entries.find(directory, name), entry);
      assert.equal(entries.nameOf(entry), name);
      assert.equal(entries.directoryOf(entry), directory);
      assert.equal(entries.find(directory, `${name}x`), 0);
    }
    assert.equal(entries.find(300, 'a'), 0);
    assert.equal(entries.find(0, 'only-1'), 0);
  });

  it('has nothing at first, and no entry 0', () => {
    const entries = new Entries(new TextPool());
    assert.equal(entries.find(0, 'a'), 0);
    assert.notEqual(entries.add(0, 'a'), 0);
  });

  it('takes a name that is among the texts already', () => {
    const texts = new TextPool();
    const position = texts.add('name');
    const entries = new Entries(texts);
    const entry = entries.add(1, 'name', position);
    assert.equal(entries.find(1, 'name'), entry);
    assert.equal(entries.nameOf(entry), 'name');
  });

  it('keeps a value and a successor for each entry', () => {
    const entries = new Entries(new TextPool());
    const [first, second] = [entries.add(0, 'a'), entries.add(0, 'b')];
    entries.setValue(first, 2 ** 31 + 5);
    entries.setAfter(first, second);
    assert.equal(entries.valueOf(first), 2 ** 31 + 5);
    assert.equal(entries.after(first), second);
    assert.deepEqual([entries.valueOf(second), entries.after(second)], [0, 0]);
  });
});
