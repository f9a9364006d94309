import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { SHORT_CHARACTERS, shortNames } from '../../../publisher/podman-store/short-names.ts';

const idOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const ID = idOf('layer');

describe('podman-store/short-names', () => {
  it('have six letters and digits, which follow from the identifier', () => {
    const name = shortNames([ID]).get(ID);
    assert.match(name ?? '', /^[0-9A-Za-z]{6}$/);
    const many = shortNames([idOf('before'), ID, idOf('after')]);
    assert.equal(many.get(ID), name);
    assert.equal(new Set(many.values()).size, 3);
  });

  it('are lengthened where they would be the same, whatever the order', () => {
    const alike = ['0', '1', '2', '3', '4'].map((end) => `${ID.slice(0, 63)}${end}`);
    const names = shortNames(alike);
    assert.deepEqual(shortNames(alike.toReversed()), names);
    const all = alike.map((id) => names.get(id) ?? '');
    assert.equal(new Set(all).size, alike.length);
    const [first = '', second = ''] = all;
    assert.equal(first.length, SHORT_CHARACTERS);
    assert.ok(second.startsWith(first) && second.length === SHORT_CHARACTERS + 1);
    // When all digits are used up, the identifier itself is left.
    assert.equal(all.at(-1), alike.at(-1));
  });

  it('are distinct for a hundred thousand layers, almost all of six characters', () => {
    const names = [...shortNames(Array.from({ length: 100_000 }, (_, index) => idOf(`${index}`))).values()];
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.filter(({ length }) => length > SHORT_CHARACTERS).length < 5);
  });

  it('have six characters also where the number is small', () => {
    const small = '0'.repeat(63);
    assert.equal(shortNames([`${small}1`]).get(`${small}1`), '000000');
  });
});
