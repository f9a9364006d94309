import { strict as assert } from 'node:assert';
import { z } from 'zod';
import { parseIfValid } from '../../core/json.ts';

const Schema = z.object({ count: z.number() });

describe('core/json', () => {
  it('parses what matches, as text or bytes', () => {
    assert.deepEqual(parseIfValid(Schema, '{"count":1,"more":2}'), { count: 1 });
    assert.deepEqual(parseIfValid(Schema, Buffer.from('{"count":1}')), { count: 1 });
  });

  for (const text of ['', '{"count":1', 'null', '[]', '{"count":"1"}'])
    it(`takes ${JSON.stringify(text)} for nothing`, () => {
      assert.equal(parseIfValid(Schema, text), undefined);
    });
});
