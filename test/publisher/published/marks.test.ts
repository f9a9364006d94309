import assert from 'node:assert/strict';
import {
  MARKS_PATH,
  marksFile,
  readMarks,
  unmarked,
  type Marks,
} from '../../../publisher/published/marks.ts';
import type { FileEntry } from '../../../publisher/publication/entry.ts';
import { MemoryRepository } from '../compose/memory-repository.ts';
import { OWN } from '../compose/workshop.ts';

const [ONE, OTHER] = ['1'.repeat(64), '2'.repeat(64)];
const AT = Date.parse('2026-11-30T12:00:00Z');
const MARKS: Marks = {
  at: AT,
  revision: 12,
  trees: new Map([
    [`podman:.multiarch/arm64/podmanStore/images/${ONE}`, { since: AT, revision: null }],
    [`layers/${OTHER}`, { since: AT - 1000, revision: 7 }],
  ]),
};

async function bytesOf(entry: FileEntry | undefined): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of entry?.content ?? []) parts.push(part);
  return Buffer.concat(parts).toString();
}

describe('publisher/published/marks', () => {
  let view: MemoryRepository;
  beforeEach(() => {
    view = new MemoryRepository();
  });

  const put = async (marks: Marks): Promise<void> =>
    view.put(MARKS_PATH, 'file', await bytesOf(marksFile(marks, OWN)));

  it('is written in the order of the names, one a line, and read as it was', async () => {
    await put(MARKS);
    assert.equal(
      view.textOf(MARKS_PATH),
      [
        '{"format":1,"at":"2026-11-30T12:00:00.000Z","revision":12,"trees":{',
        `"layers/${OTHER}":{"since":"2026-11-30T11:59:59.000Z","revision":7},`,
        `"podman:.multiarch/arm64/podmanStore/images/${ONE}":{"since":"2026-11-30T12:00:00.000Z","revision":null}`,
        '}}\n',
      ].join('\n'),
    );
    assert.deepEqual(await readMarks(view), MARKS);
    await put({ ...MARKS, trees: new Map() });
    assert.deepEqual(await readMarks(view), { ...MARKS, trees: new Map() });
  });

  it('is absent where there is none', async () => {
    assert.equal(await readMarks(view), 'absent');
  });

  const time = '"2026-11-30T12:00:00.000Z"';
  const unreadable: Readonly<Record<string, string>> = {
    'an empty file': '',
    'JSON that is cut short': `{"format":1,"at":${time},"revi`,
    'another format': `{"format":2,"at":${time},"revision":null,"trees":{}}`,
    'no time': '{"format":1,"revision":null,"trees":{}}',
    'a time that is none': '{"format":1,"at":"yesterday","revision":null,"trees":{}}',
    'a key that nobody knows': `{"format":1,"at":${time},"revision":null,"trees":{},"more":1}`,
    'a name of no tree': `{"format":1,"at":${time},"revision":null,"trees":{"layers/../x":{"since":${time},"revision":null}}}`,
    'a mark without a time': `{"format":1,"at":${time},"revision":null,"trees":{"layers/${ONE}":{"revision":null}}}`,
    'a list': '[]',
  };
  for (const [what, text] of Object.entries(unreadable)) {
    it(`is unreadable for ${what}, and nothing is unmarked`, async () => {
      view.put(MARKS_PATH, 'file', text);
      assert.equal(await readMarks(view), 'unreadable');
      assert.equal(await unmarked(view, [`layers/${OTHER}`], OWN), undefined);
    });
  }

  it('is unreadable for a link, which is not followed', async () => {
    view.put(MARKS_PATH, 'symlink', '../elsewhere');
    assert.equal(await readMarks(view), 'unreadable');
  });

  it('loses the marks of what is referred to again, and keeps the others as they are', async () => {
    await put(MARKS);
    const entry = await unmarked(view, [`layers/${OTHER}`, `flat/${ONE}`], OWN);
    view.put(MARKS_PATH, 'file', await bytesOf(entry));
    const left = new Map([...MARKS.trees].filter(([name]) => !name.startsWith('layers/')));
    assert.deepEqual(await readMarks(view), { ...MARKS, trees: left });
  });

  it('stays unwritten where nothing of it is referred to', async () => {
    await put(MARKS);
    assert.equal(await unmarked(view, [`layers/${ONE}`], OWN), undefined);
  });
});
