import assert from 'node:assert/strict';
import { Suggestions, TagLists } from '../../../daemon/checking/suggestions.ts';
import { Failure, isFailure, type FailureCode } from '../../../core/failure.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { wholeLists } from '../../support/whole-lists.ts';

const LISTS: Readonly<Record<string, readonly string[]>> = {
  'quay.io/stimela/casa': ['1.6.0', '1.7.1', '1.8.0', '1.10.0'],
  'docker.io/library/debian': ['12'],
  'quay.io/lab/empty': [],
};

describe('daemon/checking/suggestions', () => {
  const asked: string[] = [];
  const lists = new TagLists(
    wholeLists(async ({ scheme, registry, repository }) => {
      const name = `${registry}/${repository}`;
      asked.push(`${scheme}://${name}`);
      const tags = LISTS[name];
      if (tags === undefined) throw new Failure('image-unknown', 'a test');
      return await Promise.resolve(tags);
    }),
  );
  const others = ['quay.io/stimela/casa:1.6.0', 'quay.io/lab/gone:1'].map((text) => parseReference(text));
  const suggestions = new Suggestions(lists, others);

  const cases: readonly (readonly [string, FailureCode, string | undefined])[] = [
    ['quay.io/stimela/casa:v1.7.1', 'tag-unknown', 'quay.io/stimela/casa:1.7.1'],
    ['http://quay.io/stimela/casa:v1.7.1', 'tag-unknown', 'http://quay.io/stimela/casa:1.7.1'],
    ['quay.io/stimela/casa:focal', 'tag-unknown', '1.7.1, 1.8.0, 1.10.0'],
    ['quay.io/stimela/cassa:1.6.0', 'tag-unknown', 'quay.io/stimela/casa:1.6.0'],
    ['quay.io/stimela/cassa:1.6.0', 'image-unknown', 'quay.io/stimela/casa:1.6.0'],
    ['quay.io/stimela/cassa:7', 'unauthorized', 'quay.io/stimela/casa?'],
    ['docker.io/debian:12', 'unauthorized', 'docker.io/library/debian:12'],
    ['docker.io/debain:12', 'unauthorized', undefined],
    ['quay.io/lab/gome:1', 'image-unknown', undefined],
    ['qauy.io/lab/tool:1', 'dns-failed', 'quay.io/lab/tool:1'],
    ['quay.io/lab/tool:1', 'dns-failed', undefined],
    ['quay.io/stimela/casa:v1.7.1', 'registry-timeout', undefined],
  ];
  for (const [image, code, expected] of cases) {
    it(`for ${image}, ${code}: ${expected ?? 'nothing'}`, async () => {
      const hint = await suggestions.for(parseReference(image), new Failure(code, 'a test'));
      if (expected === undefined) assert.equal(hint, undefined);
      else assert.ok(hint?.includes(expected), hint);
    });
  }

  it('asks for each list once, also where there is none', () => {
    assert.ok(asked.length > 4);
    assert.equal(new Set(asked).size, asked.length);
  });

  it('stops when the run does', async () => {
    const interrupted = new TagLists(async () => await Promise.reject(new Failure('interrupted', 'a test')));
    const reference = parseReference('quay.io/stimela/casa:v1.7.1');
    await assert.rejects(
      new Suggestions(interrupted, []).for(reference, new Failure('tag-unknown', 'a test')),
      (error) => isFailure(error, 'interrupted'),
    );
  });
});
