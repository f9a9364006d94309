import assert from 'node:assert/strict';
import {
  OUTPUT_FORMS,
  outputNames,
  outputPolicy,
  outputsFor,
  outputsOf,
  type OutputName,
} from '../../core/outputs.ts';

describe('core/outputs', () => {
  const policies: readonly (readonly [
    what: string,
    named: readonly OutputName[] | undefined,
    left: readonly OutputName[],
    possible: readonly OutputName[],
    ifPresent: readonly OutputName[],
  ])[] = [
    ['nothing is said', undefined, [], ['layers', 'flat', 'chains', 'podman'], ['chains']],
    ['chains are left out', undefined, ['chains'], ['layers', 'flat', 'podman'], []],
    ['layers are left out, and what needs them', undefined, ['layers'], ['flat'], []],
    ['all are named', outputNames(), [], ['layers', 'flat', 'chains', 'podman'], []],
    ['chains are named and left out', ['layers', 'chains'], ['chains'], ['layers'], []],
    ['others are named', ['layers', 'flat'], [], ['layers', 'flat'], []],
  ];

  for (const [what, named, left, possible, ifPresent] of policies)
    it(`outputPolicy: ${what}`, () => {
      const found = outputPolicy(named, left);
      assert.deepEqual([[...found.possible], [...found.ifPresent]], [possible, ifPresent]);
    });

  it('outputsFor: the usual ones, or those of the possible ones that a wish names', () => {
    const outputs = { possible: outputsOf(['layers', 'chains']), usual: outputsOf(['layers']) };
    assert.deepEqual([...outputsFor(undefined, outputs)], ['layers']);
    assert.deepEqual([...outputsFor(['layers', 'chains', 'flat'], outputs)], ['layers', 'chains']);
    assert.deepEqual([...outputsFor(['chains'], outputs)], []);
  });

  it('has folders that differ', () => {
    const folders = Object.values(OUTPUT_FORMS).map(({ folder }) => folder);
    assert.equal(new Set(folders).size, folders.length);
  });
});
