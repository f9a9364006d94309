import assert from 'node:assert/strict';
import { cut, recordText, type LogRecord } from '../../../daemon/systemd/log.ts';

describe('daemon/systemd/log: recordText', () => {
  const image = 'lab/tool:1';
  const repository = 'unpacked.example.org';
  const cases: readonly (readonly [message: string, fields: LogRecord['fields'], text: string])[] = [
    ['published', undefined, 'published'],
    ['published', { image }, 'lab/tool:1: published'],
    ['published', { image, repository }, 'unpacked.example.org lab/tool:1: published'],
    ['published', { image: undefined, repository: '' }, 'published'],
    ['published', { code: 'network', publication: '12' }, 'published'],
    ['published lab/tool:1', { image, repository }, 'unpacked.example.org: published lab/tool:1'],
    ['published lab/tool:1.', { image }, 'published lab/tool:1.'],
    ['lab/tool:1: done', { image }, 'lab/tool:1: done'],
    ["published 'lab/tool:1'", { image }, "published 'lab/tool:1'"],
    // a part of a longer name is another name
    ['like lab/tool:12', { image }, 'lab/tool:1: like lab/tool:12'],
    ['like lab/tool:1.2', { image }, 'lab/tool:1: like lab/tool:1.2'],
    ['like lab/tool:1-b', { image }, 'lab/tool:1: like lab/tool:1-b'],
    ['like lab/tool:1@sha256:0', { image }, 'lab/tool:1: like lab/tool:1@sha256:0'],
    ['like my.lab/tool:1', { image }, 'lab/tool:1: like my.lab/tool:1'],
    // a name is no pattern
    ['labxtool', { image: 'lab.tool' }, 'lab.tool: labxtool'],
    ['c++:1 (is)', { image: 'c++:1' }, 'c++:1 (is)'],
    // one line, no secrets
    ['first\nsecond', { image: 'a\nb' }, 'a b: first second'],
    ['password=s3cret', { image: 'https://ada:s3cret@quay.io/a' }, 'https://***@quay.io/a: password=***'],
  ];
  for (const [message, fields, text] of cases) {
    it(`says ${JSON.stringify(text)}`, () => {
      assert.equal(recordText({ priority: 6, message, ...(fields && { fields }) }), text);
    });
  }
});

describe('daemon/systemd/log: cut', () => {
  it('leaves alone what fits', () => {
    assert.equal(cut('é'.repeat(50), 100), 'é'.repeat(50));
  });

  for (const [title, character] of [
    ['one byte', 'x'],
    ['two bytes', 'é'],
    ['four bytes', '🐳'],
  ] as const) {
    it(`fits what is too long, with a mark, never half a character of ${title}`, () => {
      for (let limitBytes = 100; limitBytes < 108; limitBytes += 1) {
        const text = cut(character.repeat(1000), limitBytes);
        const bytes = Buffer.byteLength(character);
        assert.match(text, new RegExp(`^(?:${character})+ \\[cut, ${1000 * bytes} bytes in all\\]$`, 'u'));
        assert.ok(Buffer.byteLength(text) <= limitBytes && Buffer.byteLength(text) > limitBytes - bytes);
      }
    });
  }
});
