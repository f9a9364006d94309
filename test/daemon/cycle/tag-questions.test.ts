import assert from 'node:assert/strict';
import { TagQuestions, type Turn } from '../../../daemon/cycle/tag-questions.ts';
import { formatReference, parseReference } from '../../../core/oci/reference.ts';
import type { Presence } from '../../../publisher/registry/tag-presence.ts';
import type { TagQuestion } from '../../../wishlist/meaning/plan.ts';

const TURN: Turn = { absences: new Map(), nowMs: 0 };

function question(image: string): TagQuestion {
  return { publicName: image, reference: parseReference(image), isUnlisted: true };
}

function tagsOf(image: string, count: number): TagQuestion[] {
  return Array.from({ length: count }, (_, index) => question(`${image}:${index}`));
}

describe('daemon/cycle/tag-questions', () => {
  let asked: string[];
  let warnings: string[];
  let presence: (image: string) => Presence;
  let questions: TagQuestions;

  beforeEach(() => {
    asked = [];
    warnings = [];
    presence = () => 'gone';
    questions = new TagQuestions(
      async (reference, tags) => {
        const images = tags.map((tag) => formatReference({ ...reference, tag }));
        asked.push(...images);
        return await Promise.resolve(new Map(tags.map((tag, index) => [tag, presence(images[index] ?? '')])));
      },
      (message) => warnings.push(message),
    );
  });

  it('tells what registries say', async () => {
    const answers: Record<string, Presence> = { 'q.io/a:1': 'gone', 'q.io/a:2': 'there', 'r.io/b:1': 'gone' };
    presence = (image) => answers[image] ?? 'unsure';
    const open = ['q.io/a:1', 'q.io/a:2', 'q.io/a:3', 'r.io/b:1', 'r.io/c:1'].map(question);
    const found = await questions.ask(open, TURN);
    assert.deepEqual(Object.fromEntries(found), { ...answers, 'q.io/a:3': 'unsure', 'r.io/c:1': 'unsure' });
  });

  it('asks for a tag once in a cycle, whatever it is published as', async () => {
    const [one] = tagsOf('q.io/a', 1);
    assert(one !== undefined);
    const elsewhere = { ...one, publicName: 'lab/q.io/a:0' };
    const found = await questions.ask([one, one, elsewhere], TURN);
    assert.deepEqual([...found.keys()], ['q.io/a:0', 'lab/q.io/a:0']);
    assert.deepEqual([...(await questions.ask([one], TURN))], [['q.io/a:0', 'gone']]);
    assert.deepEqual(asked, ['q.io/a:0']);
    questions.begin();
    await questions.ask([one], TURN);
    assert.deepEqual(asked, ['q.io/a:0', 'q.io/a:0']);
  });

  it('asks a registry for 100 tags in a cycle, of all repositories, and for the others later', async () => {
    const open = [...tagsOf('q.io/a', 80), ...tagsOf('q.io/b', 80), ...tagsOf('r.io/c', 10)];
    const found = new Set<string>();
    for (let minute = 0; minute < 60; minute += 10) {
      asked = [];
      questions.begin();
      for (const name of (await questions.ask(open, { ...TURN, nowMs: minute * 60_000 })).keys())
        found.add(name);
      assert.equal(asked.filter((image) => image.startsWith('q.io')).length, 100);
      assert.equal(asked.filter((image) => image.startsWith('r.io')).length, 10);
    }
    assert.equal(found.size, 170);
  });

  it('asks first for what is remembered as absent, the longest first', async () => {
    const open = tagsOf('q.io/a', 200);
    const absences = new Map([
      ['q.io/a:150', { firstMs: 2, lastMs: 3 }],
      ['q.io/a:199', { firstMs: 1, lastMs: 4 }],
    ]);
    await questions.ask(open, { ...TURN, absences });
    assert.deepEqual(asked.slice(0, 2), ['q.io/a:199', 'q.io/a:150']);
  });

  it('says once that a list was cut, and not of tags that no list should have', async () => {
    presence = () => 'there';
    const open = ['q.io/a:1', 'q.io/a:2', 'q.io/b:1'].map(question);
    const named = open.map((one) => ({ ...one, isUnlisted: one.publicName !== 'q.io/b:1' }));
    for (let cycle = 0; cycle < 2; cycle++) {
      questions.begin();
      await questions.ask(named, TURN);
    }
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^the tag list of q\.io\/a lacks "1" and 1 other tag, /);
  });
});
