import assert from 'node:assert/strict';
import { PatientLists, StillRead } from '../../../daemon/cycle/patient-lists.ts';
import { type TagList, parseReference, type ImageReference } from '../../../core/oci/reference.ts';

const GOOD = parseReference('good.example/lab/tool:*');
const SLOW = parseReference('slow.example/lab/tool:*');

describe('daemon/cycle/patient-lists', () => {
  /** Ends the list of a repository of the slow registry. */
  let give: Map<string, (list: TagList) => void>;
  let asked: string[];
  let lists: PatientLists;
  beforeEach(() => {
    give = new Map();
    asked = [];
    const listTags = async ({ registry, repository }: ImageReference): Promise<TagList> => {
      asked.push(`${registry}/${repository}`);
      if (registry === GOOD.registry) return await Promise.resolve({ tags: ['1'], isWhole: true });
      return await new Promise((resolve) => give.set(repository, resolve));
    };
    lists = new PatientLists(listTags, { patienceMs: 20, signal: new AbortController().signal });
  });

  it('keep nobody waiting for a slow registry, and have its list later', async () => {
    const round = lists.round();
    const late = assert.rejects(round(SLOW), (error) => error instanceof StillRead);
    assert.deepEqual((await round(GOOD)).tags, ['1']);
    await late;
    assert.equal(lists.isLate, true);
    give.get('lab/tool')?.({ tags: ['2'], isWhole: true });
    await lists.news();
    assert.deepEqual((await lists.round()(SLOW)).tags, ['2']);
    assert.equal(lists.isLate, false);
    assert.deepEqual(asked, ['slow.example/lab/tool', 'good.example/lab/tool']);
  });

  it('read a list once, however many rounds it takes', async () => {
    for (let round = 0; round < 3; round++)
      await assert.rejects(lists.round()(SLOW), (error) => error instanceof StillRead);
    assert.deepEqual(asked, ['slow.example/lab/tool']);
  });

  it('forget what nobody asks for any more', async () => {
    await assert.rejects(lists.round()(SLOW));
    for (let round = 0; round < 2; round++) await lists.round()(GOOD);
    assert.equal(lists.isLate, false);
  });

  it('keep little of what came late', async () => {
    const tags = Array.from({ length: 200_000 }, (_, index) => `${index}`);
    const references = ['a', 'b', 'c'].map((name) => parseReference(`slow.example/lab/${name}:*`));
    const round = lists.round();
    await Promise.allSettled(references.map(async (reference) => await round(reference)));
    for (const end of give.values()) end({ tags, isWhole: true });
    await lists.news();
    const again = lists.round();
    const ends = await Promise.allSettled(references.map(async (reference) => await again(reference)));
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'],
    );
  });
});
