import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  linkPath,
  SHORT_CHARACTERS,
  ShortNames,
  linkFilePath,
  linkTarget,
  namesFor,
  shortNameFamily,
} from '../../../../publisher/outputs/podman/paths.ts';
import { pseudoRandom } from '../../../support/e2e/pseudo-random.ts';
import { MemoryRepository } from '../../compose/memory-repository.ts';

const ROOT = 'podmanStore';
const idOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const ID = idOf('layer');
/** Their names are alike, whatever their length. */
const ALIKE = ['0', '1', '2', '3', '4', '5', '6'].map((end) => `${ID.slice(0, 63)}${end}`);

/** A store to which layers are added, publication by publication. */
class Shelf {
  readonly view = new MemoryRepository();
  /** What each name meant when it first came. */
  readonly meanings = new Map<string, string>();

  /** Gives names to `ids` in one publication, and checks that no name changes its meaning. */
  async publish(ids: readonly string[]): Promise<string[]> {
    const links = new Set((await this.view.list(`${ROOT}/overlay/l`)).map(({ name }) => name));
    const names = new ShortNames({ view: this.view, root: ROOT, links });
    const given: string[] = [];
    for (const id of ids) given.push(await names.of(id));
    ids.forEach((id, index) => {
      const name = given[index] ?? '';
      assert.equal(this.meanings.get(name) ?? id, id, `${name} has another meaning now`);
      this.meanings.set(name, id);
      this.view.put(linkFilePath(ROOT, id), 'file', name);
      this.view.put(linkPath(ROOT, name), 'symlink', linkTarget(id));
    });
    return given;
  }
}

describe('publisher/outputs/podman/paths', () => {
  let shelf: Shelf;
  beforeEach(() => {
    shelf = new Shelf();
  });

  it('have six letters and digits, which follow from the identifier', async () => {
    const [name = ''] = await shelf.publish([ID]);
    assert.match(name, /^[0-9A-Za-z]{6}$/);
    const [, again, ...others] = await new Shelf().publish([idOf('before'), ID, idOf('after')]);
    assert.equal(again, name);
    assert.equal(new Set([name, ...others]).size, 2);
  });

  it('have six characters also where the number is small', async () => {
    assert.deepEqual(await shelf.publish([`${'0'.repeat(63)}1`]), ['000000']);
  });

  it('never change their meaning: a later layer of the same digits gets a longer one', async () => {
    assert.equal(new Set(ALIKE.map(shortNameFamily)).size, 1);
    const lengths: number[] = [];
    for (const id of ALIKE.toReversed())
      lengths.push(...(await shelf.publish([id])).map(({ length }) => length));
    assert.deepEqual(lengths.slice(0, 2), [SHORT_CHARACTERS, SHORT_CHARACTERS + 1]);
    // When all digits are used up, the identifier itself is left.
    assert.equal(lengths.at(-1), 64);
    const before = new Map(shelf.meanings);
    await shelf.publish(ALIKE);
    assert.deepEqual(shelf.meanings, before);
  });

  it('are distinct in one publication', async () => {
    assert.equal(new Set(await shelf.publish(ALIKE)).size, ALIKE.length);
  });

  it('are not taken from a layer of which nothing but the name is left, nor from what nobody knows', async () => {
    const [one = '', other = ''] = ALIKE;
    const [name = ''] = await shelf.publish([one]);
    shelf.view.remove(`${ROOT}/overlay/${one}`);
    assert.notDeepEqual(await shelf.publish([other]), [name]);
    assert.deepEqual(await shelf.publish([one]), [name]);
    const [stranger = ''] = namesFor(idOf('stranger'));
    shelf.view.put(linkPath(ROOT, stranger), 'symlink', '../elsewhere');
    assert.notDeepEqual(await shelf.publish([idOf('stranger')]), [stranger]);
  });

  it('take the place of names that another program gave, which stay', async () => {
    const foreign = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
    shelf.view.put(linkFilePath(ROOT, ID), 'file', foreign);
    shelf.view.put(linkPath(ROOT, foreign), 'symlink', linkTarget(ID));
    assert.deepEqual(await shelf.publish([ID]), [namesFor(ID)[0]]);
    assert.equal(shelf.view.textOf(linkPath(ROOT, foreign)), linkTarget(ID));
  });

  it('are kept where an earlier version gave the shorter name to the later layer', async () => {
    const [one = '', other = ''] = ALIKE;
    const [short = '', long = ''] = namesFor(one);
    for (const [id, name] of [
      [one, long],
      [other, short],
    ] as const) {
      shelf.view.put(linkFilePath(ROOT, id), 'file', name);
      shelf.view.put(linkPath(ROOT, name), 'symlink', linkTarget(id));
    }
    assert.deepEqual(await shelf.publish([one, other]), [long, short]);
  });

  it('keep their meaning through any publications of any layers', async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = pseudoRandom(seed);
    // Few enough first digits for many of them to be alike.
    const ids = Array.from({ length: 200 }, (_, index) => {
      const start = Math.floor(random() * 40)
        .toString(16)
        .padStart(13, '0');
      return `${start}${idOf(`${index}`).slice(13)}`;
    });
    try {
      for (let round = 0; round < 60; round++) {
        const some = ids.filter(() => random() < 0.1).sort(() => random() - 0.5);
        const given = await shelf.publish(some);
        assert.equal(new Set(given).size, some.length);
        const lost = ids[Math.floor(random() * ids.length)] ?? '';
        if (random() < 0.3) shelf.view.remove(`${ROOT}/overlay/${lost}`);
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  });

  it('are almost all of six characters for a hundred thousand layers', () => {
    const families = new Set(
      Array.from({ length: 100_000 }, (_, index) => shortNameFamily(idOf(`${index}`))),
    );
    assert.ok(families.size > 99_990);
  });
});
