import assert from 'node:assert/strict';
import { textOf } from './project.ts';

describe('docs/commands', () => {
  it('are those of an installed unpackd, but in a clone', () => {
    for (const document of [
      'docs/adding-images.md',
      'docs/wishlist.md',
      'docs/layout.md',
      'docs/errors.md',
    ]) {
      assert.doesNotMatch(textOf(document), /npx unpackd/, document);
    }
    const sections = textOf('README.md').split('\n## ');
    const others = sections.filter((section) => !section.startsWith('Try it\n'));
    for (const section of others) assert.doesNotMatch(section, /^npx unpackd/m);
  });

  it('say to those who come from DUCC first that the default is not /cvmfs', () => {
    const [, section = ''] = textOf('docs/operators.md').split('\n## Moving from DUCC\n');
    const [first = ''] = section.trim().split('\n\n');
    assert.match(first, /\/cvmfs.*backend: cvmfs/);
  });
});
