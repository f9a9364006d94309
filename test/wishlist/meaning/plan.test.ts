import assert from 'node:assert/strict';
import {
  planRepository,
  type Knowledge,
  type Plan,
  type PublishedImage,
} from '../../../wishlist/meaning/plan.ts';
import { ALL_READ, WISHLIST } from '../../support/all-read.ts';
import { ANYTHING } from '../../../wishlist/meaning/uncertainty.ts';
import { groupBy } from '../../../core/group-by.ts';
import { formatPlatform, parsePlatform } from '../../../core/oci/platform.ts';
import type { Absence } from '../../../wishlist/meaning/absence.ts';
import type { KnownPattern, RemovalReason } from '../../../wishlist/meaning/removal.ts';
import { selectionOf } from '../../../wishlist/tags/tag-selection.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { NO_SETTINGS, type Keep } from '../../../wishlist/recipe/settings.ts';
import { wishOf } from '../../../wishlist/recipe/wish.ts';
import type { WishedImage } from '../../../wishlist/meaning/wished-image.ts';

const DAY_MS = 86_400_000;
const NOW_MS = 1000 * DAY_MS;
const RECIPE = '/home/it/recipe.yaml';

describe('wishlist/meaning/plan', () => {
  const wanted = [
    image('quay.io/a:1'),
    image('quay.io/a:2'),
    image('quay.io/b:1', 'linux/amd64 linux/arm64'),
    image('quay.io/c:1'),
    { ...image('quay.io/d:1'), repositories: ['y'] },
  ];
  /** `NAME [PLATFORM] DIGEST` of what is published, and of what registries have. */
  const cases: [what: string, published: string[], registries: string[], expected: Partial<Shown>][] = [
    [
      'adds what is not there',
      [],
      ['quay.io/a:1 one', 'quay.io/a:2 two'],
      { add: ['quay.io/a:1', 'quay.io/a:2'], unknown: ['quay.io/b:1', 'quay.io/b:1 arm64', 'quay.io/c:1'] },
    ],
    [
      'updates what has changed, and leaves what has not',
      ['quay.io/a:1 old', 'quay.io/a:2 two', 'quay.io/b:1 arm64 old', 'quay.io/c:1 c'],
      ['quay.io/a:1 one', 'quay.io/a:2 two', 'quay.io/b:1 b', 'quay.io/b:1 arm64 new', 'quay.io/c:1 c'],
      {
        add: ['quay.io/b:1'],
        update: ['quay.io/a:1', 'quay.io/b:1 arm64'],
        unchanged: ['quay.io/a:2', 'quay.io/c:1'],
      },
    ],
    [
      'leaves a platform that an image lost, and removes one that nobody wants',
      ['quay.io/a:1 one', 'quay.io/a:1 arm64 one', 'quay.io/b:1 b', 'quay.io/b:1 arm64 b'],
      ['quay.io/a:1 one', 'quay.io/a:2 two', 'quay.io/b:1 b', 'quay.io/c:1 c'],
      {
        add: ['quay.io/a:2', 'quay.io/c:1'],
        unchanged: ['quay.io/a:1', 'quay.io/b:1'],
        unknown: ['quay.io/b:1 arm64'],
        remove: ['quay.io/a:1 arm64'],
      },
    ],
    [
      'removes what is wanted in another repository',
      ['quay.io/d:1 d', 'quay.io/e:1 e'],
      ['quay.io/a:1 one', 'quay.io/a:2 two', 'quay.io/b:1 b', 'quay.io/b:1 arm64 b', 'quay.io/c:1 c'],
      {
        add: ['quay.io/a:1', 'quay.io/a:2', 'quay.io/b:1', 'quay.io/b:1 arm64', 'quay.io/c:1'],
        remove: ['quay.io/d:1', 'quay.io/e:1'],
      },
    ],
  ];
  for (const [what, published, registries, expected] of cases) {
    it(what, () => {
      const known = registries.map(publishedImage);
      const resolved = ({ publicName }: WishedImage) => known.filter((one) => one.publicName === publicName);
      const plan = planRepository('x', wanted, published.map(publishedImage), knowledge({ resolved }));
      const nothing = { add: [], update: [], unchanged: [], unknown: [], remove: [] };
      assert.deepEqual(shown(plan), { ...nothing, ...expected });
    });
  }

  const times: [
    what: string,
    keep: Keep | undefined,
    sinceDays: number | undefined,
    dueDays: number | undefined,
  ][] = [
    ['as long as usual', undefined, undefined, 7],
    ['as long as usual, from then on', undefined, -3, 4],
    ['as long as was asked for', { days: 2 }, -3, -1],
    ['not at all', { days: 0 }, undefined, 0],
    ['for ever', 'forever', -1000, undefined],
  ];
  for (const [what, keep, sinceDays, dueDays] of times) {
    it(`keeps an image ${what}`, () => {
      const unwantedSinceMs = sinceDays === undefined ? undefined : NOW_MS + sinceDays * DAY_MS;
      const published = { ...publishedImage('quay.io/a:1 one'), keep, unwantedSinceMs };
      const { remove } = planRepository('x', [], [published], knowledge({}));
      const dueMs = dueDays === undefined ? undefined : NOW_MS + dueDays * DAY_MS;
      assert.deepEqual(remove, [
        { published, reason: 'line gone', sinceMs: unwantedSinceMs ?? NOW_MS, dueMs },
      ]);
    });
  }

  const GONE: Absence = { firstMs: NOW_MS - 3 * DAY_MS, lastMs: NOW_MS - DAY_MS };
  const ONCE: Absence = { firstMs: NOW_MS - DAY_MS, lastMs: NOW_MS - DAY_MS };
  const absent = (absence: Absence): Partial<Knowledge> => ({
    tags: { absent: () => absence },
  });
  const down = { read: new Set([WISHLIST]), configured: new Set([WISHLIST, 'down']) };
  const alone = { read: new Set([RECIPE]), configured: undefined };
  const pattern = { patterns: [patternOf('quay.io/a:1*')] };
  const newest = (...listed: string[]): Partial<Knowledge> => ({
    patterns: [{ ...patternOf('quay.io/a:1*'), listed: new Set(listed) }],
  });
  const rules: [
    what: string,
    published: { name?: string; askedBy?: string[] },
    known: Partial<Knowledge>,
    expected: RemovalReason | 'stays' | 'asks',
  ][] = [
    ['whose line is gone', {}, {}, 'line gone'],
    ['for which no source is known', { askedBy: [] }, {}, 'stays'],
    ['of a source that was not read', { askedBy: ['down'] }, { sources: down }, 'stays'],
    ['of a second source that was not read', { askedBy: [WISHLIST, 'down'] }, { sources: down }, 'stays'],
    ['of a source that is no longer configured', { askedBy: ['other'] }, {}, 'source gone'],
    ['of such a source and one that was read', { askedBy: [WISHLIST, 'other'] }, {}, 'line gone'],
    ['of such a source and one that was not', { askedBy: ['down', 'other'] }, { sources: down }, 'stays'],
    ['of a recipe, for a cycle of sources', { askedBy: [RECIPE] }, {}, 'stays'],
    ['of a source, for a recipe', {}, { sources: alone }, 'stays'],
    ['of that recipe', { askedBy: [RECIPE] }, { sources: alone }, 'line gone'],
    ['of that recipe and another', { askedBy: [RECIPE, '/other.yaml'] }, { sources: alone }, 'stays'],
    ['that anything may mean', {}, { uncertainties: [ANYTHING] }, 'stays'],
    ['that a pattern may mean', {}, { uncertainties: pattern.patterns }, 'stays'],
    ['that another pattern may mean', {}, { uncertainties: [patternOf('quay.io/a:2*')] }, 'line gone'],
    ['that a pattern means, which is not listed', {}, pattern, 'asks'],
    ['that a pattern means, gone once', {}, { ...pattern, ...absent(ONCE) }, 'asks'],
    ['that a pattern means, gone twice', {}, { ...pattern, ...absent(GONE) }, 'tag gone'],
    [
      'that a pattern means, gone twice, of a source that was not read',
      { askedBy: ['down'] },
      { ...pattern, ...absent(GONE), sources: down },
      'stays',
    ],
    ['that no pattern means any more', { name: 'quay.io/a:2' }, pattern, 'pattern changed'],
    [
      'that no pattern means, gone twice',
      { name: 'quay.io/a:2' },
      { ...pattern, ...absent(GONE) },
      'pattern changed',
    ],
    ['that is not among the newest', {}, newest('11', '1'), 'newer tags'],
    ['that is not among the newest, nor listed', {}, newest('11'), 'asks'],
    [
      'that is not among the newest, nor listed, gone twice',
      {},
      { ...newest('11'), ...absent(GONE) },
      'tag gone',
    ],
    [
      'that is not among the newest of one pattern, and that another means',
      {},
      { patterns: [...(newest('11', '1').patterns ?? []), patternOf('quay.io/a:*')] },
      'asks',
    ],
    ['of a pattern for another image', { name: 'quay.io/b:1' }, pattern, 'line gone'],
    [
      'of a pattern in another repository',
      {},
      { patterns: [{ ...patternOf('quay.io/a:1*'), repositories: ['y'] }] },
      'line gone',
    ],
  ];
  for (const [what, { name = 'quay.io/a:1', askedBy = [WISHLIST] }, known, expected] of rules) {
    const verb = expected === 'stays' ? 'keeps' : expected === 'asks' ? 'asks about' : 'removes';
    it(`${verb} an image ${what}`, () => {
      const published = [{ ...publishedImage(`${name} one`), askedBy }];
      const { remove, unknown, questions } = planRepository('x', [], published, knowledge(known));
      const reasons: string[] = remove.map(({ reason }) => reason);
      if (questions.length > 0 && remove.length === 0) reasons.push('asks');
      if (expected === 'tag gone') assert.equal(questions.length, 1);
      assert.deepEqual(reasons, expected === 'stays' ? [] : [expected]);
      assert.equal(unknown.length, remove.length === 0 ? 1 : 0);
      for (const question of questions)
        assert.deepEqual(question, { publicName: name, reference: parseReference(name), isUnlisted: true });
    });
  }

  const lines: [what: string, text: string, known: Partial<Knowledge>, expected: RemovalReason | 'stays'][] =
    [
      ['is not reported', 'quay.io/a:1', {}, 'stays'],
      ['is gone once', 'quay.io/a:1', absent(ONCE), 'stays'],
      ['is gone twice', 'quay.io/a:1', absent(GONE), 'tag gone'],
      [
        'is gone twice, for one that was lost',
        'quay.io/a:1',
        { ...absent(GONE), resolved: () => [] },
        'stays',
      ],
      ['is pinned', `quay.io/a:1@sha256:${'a'.repeat(64)}`, absent(GONE), 'stays'],
      [
        'is of a source that was not read',
        'quay.io/a:1',
        { ...absent(GONE), sources: { ...down, read: new Set() } },
        'stays',
      ],
    ];
  for (const [what, text, known, expected] of lines) {
    it(`${expected === 'stays' ? 'keeps' : 'removes'} an image with a line whose tag ${what}`, () => {
      const published = publishedImage(`${text} one`);
      const { remove, unknown } = planRepository('x', [image(text)], [published], knowledge(known));
      assert.deepEqual(
        remove.map(({ reason, sinceMs }) => [reason, sinceMs]),
        expected === 'stays' ? [] : [[expected, GONE.firstMs]],
      );
      assert.equal(unknown.length, expected === 'stays' ? 1 : 0);
    });
  }

  const TAG = 'quay.io/a:1';
  /** Days since the tag moved, for each image that it led to before. */
  const kept: [
    what: string,
    input: { digests?: number; isWished?: boolean; isTagPublished?: boolean; known?: Partial<Knowledge> },
    stay: number[],
    gone: Partial<Record<RemovalReason, number[]>>,
  ][] = [
    ['as many as are wished', { digests: 2 }, [1, 3], { 'old digest': [5] }],
    ['all, where more are wished', { digests: 9 }, [1, 3, 5], {}],
    ['none, where none is wished', {}, [], { 'old digest': [1, 3, 5] }],
    [
      'none, once nobody asks for the tag and it is gone',
      { isWished: false },
      [],
      { 'line gone': [1, 3, 5] },
    ],
    ['all while the tag is published', { isWished: false, isTagPublished: true }, [], {}],
    [
      'all while the tag may be wished',
      { isWished: false, known: { uncertainties: [patternOf('quay.io/a:*')] } },
      [],
      {},
    ],
    [
      'all of a source that was not read',
      { digests: 1, known: { sources: { ...down, read: new Set() } } },
      [1],
      {},
    ],
  ];
  for (const [what, { digests, isWished = true, isTagPublished = false, known = {} }, stay, gone] of kept) {
    it(`keeps of what a tag led to before ${what}`, () => {
      const old = [5, 1, 3].map((days) => ({
        ...publishedImage(`quay.io/a@sha256:${days} ${days}`),
        keptFor: { publicName: TAG, sinceMs: NOW_MS - days * DAY_MS },
      }));
      const wish = { ...image(TAG), ...(digests !== undefined && { keptDigests: digests }) };
      const tag = isTagPublished ? [publishedImage(`${TAG} one`)] : [];
      const plan = planRepository('x', isWished ? [wish] : [], [...tag, ...old], knowledge(known));
      const days = (images: readonly PublishedImage[]): number[] =>
        images.filter(({ keptFor }) => keptFor !== undefined).map(({ digest }) => Number(digest));
      assert.deepEqual(days(plan.kept), stay);
      const reasons = groupBy(plan.remove, ({ reason }) => reason);
      const found = [...reasons].map(([reason, removals]) => [
        reason,
        days(removals.map((one) => one.published)),
      ]);
      assert.deepEqual(Object.fromEntries(found.filter(([, all]) => all?.length !== 0)), gone);
    });
  }

  it('says which platform nobody asks for', () => {
    const published = ['quay.io/a:1 one', 'quay.io/a:1 arm64 one'].map(publishedImage);
    const { remove } = planRepository('x', [image('quay.io/a:1')], published, knowledge({}));
    assert.deepEqual(
      remove.map(({ reason, published: one }) => [reason, formatPlatform(one.platform)]),
      [['platform no longer asked for', 'linux/arm64']],
    );
  });

  it('removes a platform that no pattern asks for, though one lists the tag', () => {
    const published = ['quay.io/a:1 one', 'quay.io/a:1 arm64 one'].map(publishedImage);
    const { wished, known } = matchedBy('quay.io/a:*', 'quay.io/a:1');
    const { remove, questions } = planRepository('x', [wished], published, knowledge(known));
    assert.deepEqual(
      remove.map(({ reason, published: one }) => [reason, formatPlatform(one.platform)]),
      [['platform no longer asked for', 'linux/arm64']],
    );
    assert.deepEqual(
      questions.filter(({ isUnlisted }) => isUnlisted),
      [],
    );
  });

  it('leaves a platform of a tag that a pattern does not list, though a line names it', () => {
    const published = ['quay.io/a:1 one', 'quay.io/a:1 arm64 one'].map(publishedImage);
    const { known } = matchedBy('quay.io/a:*', 'quay.io/a:1');
    const { remove } = planRepository('x', [image('quay.io/a:1')], published, knowledge(known));
    assert.deepEqual(remove, []);
  });

  const anybody: [what: string, wished: WishedImage[], known: Partial<Knowledge>, isReset: boolean][] = [
    ['while a source is down', [], { sources: { ...down, read: new Set() } }, false],
    ['once a line asks for it, though its registry is down', [image('quay.io/a:1')], {}, true],
    ['once a pattern matches it, though its registry does not list it', [], pattern, true],
    [
      'once such a pattern asks for it, while a source is down',
      [],
      { ...pattern, sources: { ...down, read: new Set() } },
      true,
    ],
    ['once a line that cannot be read may mean it', [], { uncertainties: [ANYTHING] }, true],
  ];
  for (const [what, wished, known, isReset] of anybody) {
    it(`${isReset ? 'forgets' : 'remembers'} since when nobody asks for an image ${what}`, () => {
      const published = { ...publishedImage('quay.io/a:1 one'), unwantedSinceMs: NOW_MS - DAY_MS };
      const { remove, unknown } = planRepository('x', wished, [published], knowledge(known));
      assert.deepEqual(remove, []);
      assert.deepEqual(
        unknown.map((one) => one.published?.unwantedSinceMs),
        [isReset ? undefined : NOW_MS - DAY_MS],
      );
    });
  }

  it('does not keep an image for what a clock said that was ahead', () => {
    const published = { ...publishedImage('quay.io/a:1 one'), unwantedSinceMs: NOW_MS + 365 * DAY_MS };
    const { remove } = planRepository('x', [], [published], knowledge({}));
    assert.equal(remove[0]?.sinceMs, NOW_MS);
  });
});

/** A pattern whose images are known. */
function patternOf(text: string): KnownPattern {
  const reference = parseReference(text);
  return {
    repositories: ['x'],
    image: text.slice(0, text.indexOf(':')),
    inAnySubdirectory: false,
    selection: selectionOf(reference),
    reference,
    listed: undefined,
  };
}

/** An image that a pattern found in the list of its registry. */
function matchedBy(text: string, publicName: string): { wished: WishedImage; known: Partial<Knowledge> } {
  const wish = wishOf({ text, reference: parseReference(text) }, 1, NO_SETTINGS);
  const recipe = { file: RECIPE, repositories: ['x'], defaults: NO_SETTINGS, wishes: [wish], problems: [] };
  const wished = { ...image(publicName), isNamed: false, wishes: [{ recipe, wish }] };
  return { wished, known: { patterns: [patternOf(text)] } };
}

type Shown = Record<Exclude<keyof Plan, 'questions' | 'kept'>, string[]>;

function shown({ add, update, unchanged, unknown, remove }: Plan): Shown {
  const name = (one: Pick<PublishedImage, 'publicName' | 'platform'>): string => {
    const platform = formatPlatform(one.platform).replace('linux/', '');
    return platform === 'amd64' ? one.publicName : `${one.publicName} ${platform}`;
  };
  const [added, updated, same] = [add, update, unchanged].map((part) =>
    part.map(({ image: { publicName }, platform }) => name({ publicName, platform })),
  );
  return {
    add: added ?? [],
    update: updated ?? [],
    unchanged: same ?? [],
    unknown: unknown.map(name),
    remove: remove.map(({ published }) => name(published)),
  };
}

function knowledge(known: Partial<Knowledge>): Knowledge {
  return {
    resolved: () => undefined,
    uncertainties: [],
    ...ALL_READ,
    keep: { days: 7 },
    nowMs: NOW_MS,
    ...known,
  };
}

function image(text: string, platforms?: string): WishedImage {
  return {
    reference: parseReference(text),
    publicName: text,
    repositories: ['x'],
    platforms: platforms
      ?.split(' ')
      .map((platform) => ({ platform: parsePlatform(platform), isRequired: true })),
    outputs: undefined,
    keep: undefined,
    isNamed: true,
    wishes: [],
  };
}

function publishedImage(text: string): PublishedImage {
  const [publicName = '', ...rest] = text.split(' ');
  const [digest = '', architecture = 'amd64'] = rest.toReversed();
  const platform = parsePlatform(`linux/${architecture}`);
  return {
    publicName,
    platform,
    digest,
    keep: undefined,
    unwantedSinceMs: undefined,
    askedBy: [WISHLIST],
    isConfirmed: false,
  };
}
