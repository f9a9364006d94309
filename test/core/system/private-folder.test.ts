import assert from 'node:assert/strict';
import { chmodSync, chownSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSafe, keepPrivate } from '../../../core/system/private-folder.ts';
import { isFailure } from '../../../core/failure.ts';
import { describeWith } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const OTHER = 65_534;

describe('core/system/private-folder', () => {
  let top: string;
  let notes: string[];

  beforeEach(async () => {
    top = await temporaryDirectory('private');
    notes = [];
  });

  const at = (...names: readonly string[]): string => join(top, ...names);
  const modeOf = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);

  function keep(path: string): string {
    try {
      keepPrivate({ path, marks: ['mark'], unusable: 'state-unusable', note: (text) => notes.push(text) });
      return 'kept';
    } catch (error) {
      if (!isFailure(error)) throw error;
      assert.ok(error.hint);
      return `${error.code}: ${error.message}`;
    }
  }

  it('is made for this user alone, with all above it that is missing, whatever the umask', () => {
    const before = process.umask(0);
    try {
      assert.equal(keep(at('a/b')), 'kept');
    } finally {
      process.umask(before);
    }
    assert.deepEqual([modeOf(at('a')), modeOf(at('a/b')), notes], ['700', '700', []]);
    assert.equal(keep(at('a/b')), 'kept');
  });

  for (const mode of [0o755, 0o750, 0o711, 0o2755])
    it(`is closed where it had the mode ${mode.toString(8)}, and that is said`, () => {
      mkdirSync(at('a'));
      writeFileSync(at('a/mark'), '');
      chmodSync(at('a'), mode);
      assert.equal(keep(at('a')), 'kept');
      assert.deepEqual([modeOf(at('a')), notes.length], ['700', 1]);
      assert.equal(keep(at('a')), 'kept');
      assert.equal(notes.length, 1);
    });

  it('is left alone where others use it too', () => {
    mkdirSync(at('a'));
    writeFileSync(at('a/of-others'), '');
    assert.match(
      keep(at('a')),
      /^state-unusable: .* is open to other users \(0755\), and not only unpackd's$/,
    );
    assert.equal(modeOf(at('a')), '755');
  });

  for (const mode of [0o775, 0o757, 0o777, 0o1777])
    it(`is refused with the mode ${mode.toString(8)}`, () => {
      mkdirSync(at('a'));
      writeFileSync(at('a/mark'), '');
      chmodSync(at('a'), mode);
      assert.match(keep(at('a')), /^state-unusable: other users may write in ".*\/a" \(\d{4}\)/);
      assert.equal(isSafe(at('a')), false);
    });

  it('is refused below a folder in which others may write, unless its sticky bit keeps them from it', () => {
    mkdirSync(at('open'));
    for (const [mode, answer] of [
      [0o777, /other users may write in ".*\/open" \(0777\)/],
      [0o775, /other users may write in ".*\/open" \(0775\)/],
      [0o1777, /^kept$/],
    ] as const) {
      chmodSync(at('open'), mode);
      assert.match(keep(at('open/a/b')), answer);
    }
  });

  it('is found through links, of which every folder counts', () => {
    mkdirSync(at('good'));
    mkdirSync(at('open'));
    chmodSync(at('open'), 0o777);
    symlinkSync('good/../good', at('link'));
    symlinkSync(at('good'), at('open/link'));
    symlinkSync('open/link', at('round'));
    assert.equal(keep(at('link/a')), 'kept');
    assert.match(keep(at('round/b')), /other users may write in ".*\/open"/);
    symlinkSync('loop', at('loop'));
    assert.match(keep(at('loop/a')), /too many symbolic links/);
  });

  describeWith(['root'], 'of which something is another user\u2019s', () => {
    it('is refused: itself, a folder above, and a link on the way', () => {
      mkdirSync(at('a'), { mode: 0o700 });
      chownSync(at('a'), OTHER, OTHER);
      assert.match(keep(at('a')), new RegExp(`belongs to user ${OTHER}`));
      assert.match(keep(at('a/b')), /\/a" belongs to user/);
      mkdirSync(at('sticky'));
      chmodSync(at('sticky'), 0o1777);
      symlinkSync(top, at('sticky/link'));
      assert.equal(keep(at('sticky/link/b')), 'kept');
      chownSync(at('sticky'), OTHER, OTHER);
      assert.match(keep(at('sticky/b')), /\/sticky" belongs to user/);
    });
  });
});
