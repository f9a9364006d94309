import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { documents, PROJECT, textOf } from './project.ts';

describe('docs/links', () => {
  for (const document of documents()) {
    it(`lead somewhere, in ${document}`, () => {
      for (const [, target = ''] of textOf(document).matchAll(/\]\(([^)\s]+)\)/g)) {
        const [file = '', heading] = target.split('#');
        const path = file === '' ? document : join(dirname(document), file);
        assert.ok(existsSync(join(PROJECT, path)), target);
        if (heading !== undefined) assert.ok(anchors(textOf(path)).includes(heading), target);
      }
    });
  }

  it('name source files that exist, in ARCHITECTURE.md', () => {
    const rows = textOf('ARCHITECTURE.md').matchAll(
      /`((?:wishlist|publisher|daemon|examples|test)\/[\w/.-]*)`/g,
    );
    const paths = Array.from(rows, (match) => match[1] ?? '');
    assert.ok(paths.length > 20);
    assert.deepEqual(
      paths.filter((path) => !existsSync(join(PROJECT, path))),
      [],
    );
  });
});

/** Headings as links name them. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}
