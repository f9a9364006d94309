import assert from 'node:assert/strict';
import { NO_SETTINGS } from '../../wishlist/settings.ts';
import { wishOf } from '../../wishlist/wish.ts';
import { expandWishes, type Expansion, type ListTags, type WishedImage } from '../../wishlist/expand.ts';
import { Failure, isFailure } from '../../wishlist/failure.ts';
import { formatPlatform, parsePlatform, type Platform } from '../../wishlist/platform.ts';
import { parseReference, publicName } from '../../wishlist/reference.ts';
import type { Wish } from '../../wishlist/wish.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('expandWishes', () => {
  it('leaves wishes without pattern as they are and asks no registry', async () => {
    const wishes = wishesFor('quay.io/a:1', `quay.io/a@${DIGEST}`, `quay.io/a:1@${DIGEST}`);
    const expansion = await expandWishes(wishes, unexpected);
    assert.deepEqual(
      expansion.images,
      wishes.map((wish) => ({
        reference: wish.reference,
        wish,
        platforms: undefined,
        repositories: undefined,
      })),
    );
    assert.deepEqual([expansion.failures, expansion.problems], [[], []]);
  });

  it('expands patterns in the order of wishes and of the registry', async () => {
    const wishes = wishesFor('quay.io/z:1', 'http://quay.io/a:2*', 'quay.io/b:*');
    const expansion = await expandWishes(
      wishes,
      tagLists({ 'quay.io/a': ['21', '3', '2'], 'quay.io/b': ['x'] }),
    );
    assert.deepEqual(names(expansion), ['quay.io/z:1', 'quay.io/a:21', 'quay.io/a:2', 'quay.io/b:x']);
    assert.deepEqual(
      expansion.images.map(({ wish }) => wish.line),
      [1, 2, 2, 3],
    );
    assert.equal(expansion.images[1]?.reference.scheme, 'http');
  });

  it('gives an image once, to the first wish for it', async () => {
    const wishes = wishesFor(
      'quay.io/a:1',
      'quay.io/a:*',
      'http://quay.io/a:1',
      'quay.io/a:2*',
      'quay.io/a:2',
    );
    const expansion = await expandWishes(wishes, tagLists({ 'quay.io/a': ['2', '1', '20', '20'] }));
    assert.deepEqual(
      expansion.images.map(({ reference, wish }) => `${wish.line} ${publicName(reference)}`),
      ['1 quay.io/a:1', '2 quay.io/a:2', '2 quay.io/a:20'],
    );
  });

  it('lists a repository once, however many patterns there are', async () => {
    const asked: string[] = [];
    const wishes = wishesFor('quay.io/a:1*', 'quay.io/a:2*', 'quay.io/b:*', 'quay.io/a:3*', 'ghcr.io/a:*');
    await expandWishes(wishes, async ({ registry, repository }) => {
      asked.push(`${registry}/${repository}`);
      return await Promise.resolve(['1']);
    });
    assert.deepEqual(asked, ['quay.io/a', 'quay.io/b', 'ghcr.io/a']);
  });

  it('lists four repositories at a time', async () => {
    let running = 0;
    let most = 0;
    const wishes = wishesFor(...Array.from({ length: 11 }, (_, index) => `quay.io/r${index}:*`));
    const expansion = await expandWishes(wishes, async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return ['1'];
    });
    assert.equal(most, 4);
    assert.deepEqual(
      names(expansion),
      wishes.map((_, index) => `quay.io/r${index}:1`),
    );
  });

  it('keeps a failure with the wishes for that repository, and with no others', async () => {
    const failure = new Failure('rate-limited', 'too many requests');
    const wishes = wishesFor('quay.io/a:*', 'quay.io/b:*', 'quay.io/a:1', 'quay.io/a:2*');
    const expansion = await expandWishes(wishes, async ({ repository }) => {
      if (repository === 'a') throw failure;
      return await Promise.resolve(['1']);
    });
    assert.deepEqual(names(expansion), ['quay.io/b:1', 'quay.io/a:1']);
    assert.deepEqual(
      expansion.failures.map(({ wish, failure: kept }) => [wish.line, kept]),
      [
        [1, failure],
        [4, failure],
      ],
    );
    assert.deepEqual(expansion.problems, []);
  });

  it("throws a programmer's mistake after what is under way has ended, and begins nothing more", async () => {
    let begun = 0;
    let ended = 0;
    const wishes = wishesFor(...Array.from({ length: 9 }, (_, index) => `quay.io/r${index}:*`));
    const expansion = expandWishes(wishes, async ({ repository }) => {
      begun += 1;
      if (repository === 'r0') throw new TypeError('a mistake');
      await new Promise((resolve) => setImmediate(resolve));
      ended += 1;
      return [];
    });
    await assert.rejects(expansion, (error) => error instanceof TypeError && !isFailure(error));
    assert.deepEqual([begun, ended], [4, 3]);
  });

  it('warns of a pattern that matches nothing', async () => {
    const wishes = wishesFor('quay.io/a:v*', 'quay.io/b:*', 'quay.io/a:1*');
    const expansion = await expandWishes(wishes, tagLists({ 'quay.io/a': ['1', '2'], 'quay.io/b': [] }));
    assert.deepEqual(names(expansion), ['quay.io/a:1']);
    assert.deepEqual(codes(expansion), ['warning pattern-unmatched 1', 'warning pattern-unmatched 2']);
  });

  it('publishes nothing under a name that is no tag', async () => {
    const evil = ['..', '../../etc/passwd', 'a b', '.a', '1', 'x'.repeat(129), 'a\u001b[31m', ''];
    const expansion = await expandWishes(wishesFor('quay.io/a:*'), tagLists({ 'quay.io/a': evil }));
    assert.deepEqual(names(expansion), ['quay.io/a:1']);
    const expected = Array.from({ length: expansion.problems.length }, () => 'warning tag-unusable 1');
    assert.notEqual(expected.length, 0);
    assert.deepEqual(codes(expansion), expected);
    for (const { message } of expansion.problems) assert.doesNotMatch(message, /\p{Cc}/u);
  });

  it('gives nothing for nothing', async () => {
    assert.deepEqual(await expandWishes([], unexpected), { images: [], failures: [], problems: [] });
  });
});

describe('expandWishes, given platforms', () => {
  /** `wishes`: `IMAGE [PLATFORM,…]`; `expected`: `IMAGE [PLATFORM[!],…]`, `!` for those that are required. */
  const cases: [what: string, wishes: string[], byDefault: string | undefined, expected: string[]][] = [
    ['nothing', ['quay.io/a:1'], undefined, ['quay.io/a:1']],
    ['a default', ['quay.io/a:1'], 'linux/arm64', ['quay.io/a:1 linux/arm64']],
    ['a wish', ['quay.io/a:1 linux/arm64'], undefined, ['quay.io/a:1 linux/arm64!']],
    ['a wish and a default', ['quay.io/a:1 linux/arm64'], 'linux/386', ['quay.io/a:1 linux/arm64!']],
    [
      'a pattern',
      ['quay.io/a:* linux/arm64,linux/amd64'],
      'linux/386',
      ['quay.io/a:1 linux/arm64!,linux/amd64!', 'quay.io/a:2 linux/arm64!,linux/amd64!'],
    ],
    [
      'a pattern and a wish that mean the same image',
      ['quay.io/a:* linux/arm64', 'quay.io/a:1 linux/amd64,linux/arm64'],
      undefined,
      ['quay.io/a:1 linux/arm64!,linux/amd64!', 'quay.io/a:2 linux/arm64!'],
    ],
    [
      'one of two wishes for an image, and a default',
      ['quay.io/a:1', 'quay.io/a:1 linux/arm64'],
      'linux/amd64,linux/arm64',
      ['quay.io/a:1 linux/amd64,linux/arm64!'],
    ],
    [
      'the same, in the other order',
      ['quay.io/a:1 linux/arm64', 'quay.io/a:1'],
      'linux/amd64,linux/arm64',
      ['quay.io/a:1 linux/arm64!,linux/amd64'],
    ],
    [
      'one of two wishes for an image alone',
      ['quay.io/a:*', 'quay.io/a:1 linux/arm64'],
      undefined,
      ['quay.io/a:1 linux/amd64!,linux/arm64!', 'quay.io/a:2'],
    ],
    [
      'the later one alone',
      ['quay.io/a:1 linux/arm64', 'quay.io/a:*'],
      undefined,
      ['quay.io/a:1 linux/arm64!,linux/amd64!', 'quay.io/a:2'],
    ],
  ];
  for (const [what, texts, byDefault, expected] of cases) {
    it(`takes those of ${what}`, async () => {
      const wishes = texts.map((text, index) => {
        const [image = '', platforms] = text.split(' ');
        return wishFor(image, index + 1, platformsOf(platforms));
      });
      const lists = tagLists({ 'quay.io/a': ['1', '2'] });
      const { images } = await expandWishes(wishes, lists, {
        ...NO_SETTINGS,
        platforms: platformsOf(byDefault),
      });
      assert.deepEqual(images.map(described), expected);
    });
  }
});

function platformsOf(text: string | undefined): Platform[] | undefined {
  return text?.split(',').map(parsePlatform);
}

function described({ reference, platforms }: WishedImage): string {
  const wanted = platforms?.map((one) => `${formatPlatform(one.platform)}${one.isRequired ? '!' : ''}`);
  return [publicName(reference), ...(wanted === undefined ? [] : [wanted.join(',')])].join(' ');
}

function wishesFor(...texts: string[]): Wish[] {
  return texts.map((text, index) => wishFor(text, index + 1));
}

function wishFor(text: string, line: number, platforms?: readonly Platform[]): Wish {
  return wishOf({ text, reference: parseReference(text) }, line, { ...NO_SETTINGS, platforms });
}

function tagLists(lists: Record<string, string[]>): ListTags {
  return async ({ registry, repository }) => await Promise.resolve(lists[`${registry}/${repository}`] ?? []);
}

function unexpected(): Promise<string[]> {
  throw new Error('no list is needed');
}

function names(expansion: Expansion): string[] {
  return expansion.images.map(({ reference }) => publicName(reference));
}

function codes(expansion: Expansion): string[] {
  return expansion.problems.map(({ severity, code, line }) => `${severity} ${code} ${line}`);
}
