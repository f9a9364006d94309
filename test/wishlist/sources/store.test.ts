import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recipeText } from '../../support/git/upstream.ts';
import type { WishlistSource } from '../../../wishlist/sources/source.ts';
import { fileSource } from '../../../wishlist/sources/fetch-file.ts';
import { gitAt, Reader, summary, urlAt } from './reading.ts';

const IMAGE = 'quay.io/lab/image:1';
const SINCE = '2023-05-01T10:00:00.000Z';
const FAILING_SINCE = '2023-06-01T10:00:00.000Z';
const COMMIT = { hash: 'a'.repeat(40), author: 'Ada Test', date: '2023-05-01T10:00:00+02:00' };

/** Sources that fail, each with its identity and what version 0.1.0 stored beside the text of its recipe. */
const SOURCES: Readonly<Record<string, readonly [WishlistSource, identity: unknown[], beside: object]>> = {
  git: [gitAt('/nonexistent.git'), ['git', '/nonexistent.git', null, ['recipe.yaml']], { commit: COMMIT }],
  file: [fileSource({ name: 'wishlist', path: '/nonexistent' }), ['file', '/nonexistent'], {}],
  url: [
    urlAt('http://127.0.0.1:9/recipe.yaml'),
    ['url', 'http://127.0.0.1:9/recipe.yaml'],
    { validators: { etag: '"1"' } },
  ],
};

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('wishlist/sources/store', () => {
  for (const [kind, [source, identity, beside]] of Object.entries(SOURCES)) {
    it(`reads what version 0.1.0 stored of a source that is a ${kind}`, async () => {
      const reader = await Reader.create();
      const folder = join(reader.directory, digest('wishlist').slice(0, 16));
      mkdirSync(folder, { recursive: true });
      const write = (name: string, value: object): void =>
        writeFileSync(
          join(folder, name),
          `${JSON.stringify({ identity: digest(JSON.stringify(identity)), ...value })}\n`,
        );
      write('content.json', {
        files: [{ label: 'the label', text: recipeText(IMAGE) }],
        ...beside,
        since: SINCE,
      });
      write('status.json', { fetchedAt: SINCE, failingSince: FAILING_SINCE });

      const state = await reader.read(source);
      assert.deepEqual(summary(state).images, [IMAGE]);
      assert.notEqual(state.failure, undefined);
      assert.deepEqual(
        [state.content?.since, state.fetchedAt, state.failingSince],
        [SINCE, SINCE, FAILING_SINCE],
      );
      assert.deepEqual(state.content?.commit, kind === 'git' ? COMMIT : undefined);
    });
  }
});
