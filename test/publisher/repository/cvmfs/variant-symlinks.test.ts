import assert from 'node:assert/strict';
import { storedTarget } from '../../../../publisher/repository/cvmfs/variant-symlinks.ts';
import { pseudoRandom } from '../../../support/e2e/pseudo-random.ts';
import { symlinkEntry } from '../entries.ts';

const ENVIRONMENT: Readonly<Record<string, string>> = { HOME: '/root', CVMFS_ARCH: 'x86_64' };

/** What a client makes of a target, by the rule of its source. */
function shown(stored: string): string {
  return stored.replace(/\$\(([^)]*)\)/g, (_, inside: string) => {
    const at = inside.indexOf(':-');
    const name = at === -1 ? inside : inside.slice(0, at);
    return ENVIRONMENT[name] ?? (at === -1 ? '' : inside.slice(at + 2));
  });
}

describe('repository/cvmfs/variant-symlinks', () => {
  const targets: readonly string[] = [
    'plain',
    '$HOME/x',
    '$(HOME)/x',
    '/a/$(HOME',
    '$(HOME:-y)',
    '$(NOBODY)',
    '$(NOBODY:-z)/$(HOME)',
    '$$(HOME)',
    '$($(HOME))',
    '$(',
    '$(:-$)(HOME)',
    '$()',
    'caf\xe9/$(HOME)',
  ];
  for (const target of targets) {
    it(`lets clients show ${JSON.stringify(target)} of an image as it is`, () => {
      assert.equal(shown(storedTarget(symlinkEntry('link', target))), target);
    });
  }

  it('lets clients show any target of an image as it is', () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = pseudoRandom(seed);
    const parts = ['$', '(', ')', ':-', 'HOME', 'x'];
    for (let round = 0; round < 2000; round += 1) {
      const target = Array.from({ length: 12 }, () => parts[Math.floor(random() * parts.length)]).join('');
      assert.equal(shown(storedTarget(symlinkEntry('link', target))), target, `seed ${seed}`);
    }
  });

  it('leaves a link as it is that is meant for several architectures', () => {
    const target = '.multiarch/$(CVMFS_ARCH:-amd64)/a.example/x:1';
    assert.equal(storedTarget({ ...symlinkEntry('link', target), isVariant: true }), target);
  });
});
