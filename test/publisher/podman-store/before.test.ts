import assert from 'node:assert/strict';
import { storeBefore } from '../../../publisher/podman-store/before.ts';
import type { LayerRecord } from '../../../publisher/podman-store/image-record.ts';
import { shortNameFamily } from '../../../publisher/podman-store/short-names.ts';
import { namedImages, storeOf, type PublishedImage } from '../../../publisher/podman-store/store.ts';
import type { Digest } from '../../../publisher/registry/digest.ts';
import { pseudoRandom } from '../../support/e2e/pseudo-random.ts';
import { digestOf, layerRecord, published } from './records.ts';

/** Lowest layers, whose identifiers are their diff IDs: their short names are alike. */
const ALIKE = Array.from({ length: 7 }, (_, index): LayerRecord => {
  const diffId: Digest = `${digestOf('alike').slice(0, -1)}${index}` as Digest;
  return { ...layerRecord(`alike ${index}`), diffId };
});

/** What differs between what is told of the store of `before` and that store, made whole. */
function differences(before: readonly PublishedImage[], after: readonly PublishedImage[]): string[] {
  const whole = storeOf(before);
  const store = storeOf(after);
  const found = storeBefore(namedImages(before), namedImages(after), store);
  const wrong: string[] = [];
  for (const id of new Set([...whole.images.keys(), ...store.images.keys()])) {
    try {
      assert.deepEqual(found.image(id), whole.images.get(id));
    } catch {
      wrong.push(`image ${id}`);
    }
  }
  for (const id of new Set([...whole.layers.keys(), ...store.layers.keys()])) {
    const [is, was] = [found.layer(id), whole.layers.get(id)];
    if (is?.shortName !== was?.shortName || is?.record.digest !== was?.record.digest)
      wrong.push(`layer ${id}`);
  }
  return wrong;
}

describe('podman-store/before', () => {
  it('knows layers whose names were longer or shorter by those that come or go', () => {
    const [one, two, three] = ALIKE.map((layer, index) => published(`a.io/alike:${index}`, [layer, 'top']));
    assert.ok(one !== undefined && two !== undefined && three !== undefined);
    const families = ALIKE.map(({ diffId }) => shortNameFamily(diffId.slice('sha256:'.length)));
    assert.equal(new Set(families).size, 1);
    const sets = [[], [one], [two], [one, two], [two, three], [one, two, three]];
    for (const before of sets) for (const after of sets) assert.deepEqual(differences(before, after), []);
    assert.deepEqual(
      differences([one, two], [one, two]).concat(
        differences([two], [one, two]),
        differences([one, two], [two]),
      ),
      [],
    );
  });

  it('knows a layer that another image had first, compressed otherwise', () => {
    const gzip = published('a.io/a:1', ['base', layerRecord('x as gzip', 'x')]);
    const zstd = published('a.io/b:1', ['base', layerRecord('x as zstd', 'x'), 'top']);
    for (const [before, after] of [
      [[gzip], [gzip, zstd]],
      [[zstd], [gzip, zstd]],
      [[gzip, zstd], [gzip]],
      [[gzip, zstd], [zstd]],
    ] as const)
      assert.deepEqual(differences(before, after), []);
  });

  it('answers as the whole store does, whatever comes and goes', () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = pseudoRandom(seed);
    const layer = (place: number): LayerRecord => {
      const alike = ALIKE[Math.floor(random() * ALIKE.length)];
      if (place === 0 && alike !== undefined && random() < 0.7) return alike;
      const name = `layer ${Math.floor(random() * 6)}`;
      return random() < 0.2 ? layerRecord(`${name} recompressed`, name) : layerRecord(name);
    };
    const images = Array.from({ length: 80 }, (_, index) => {
      const layers = Array.from({ length: Math.floor(random() * 4) }, (_layer, place) => layer(place));
      const folder = random() < 0.3 ? 'team/' : '';
      const name = `quay.io/lab/image:${Math.floor(index / 2)}`;
      return published(`${folder}quay.io/lab/image:${index}`, layers, { name });
    });
    for (let round = 0; round < 100; round++) {
      const before = images.filter(() => random() < 0.5);
      const share = round % 2 === 0 ? 0.05 : 0.5;
      const after = images.filter((image) => before.includes(image) !== random() < share);
      assert.deepEqual(differences(before, after), [], `seed ${seed}, round ${round}`);
    }
  });
});
