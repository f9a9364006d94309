import assert from 'node:assert/strict';
import {
  planRepository,
  type Knowledge,
  type Plan,
  type PublishedImage,
} from '../../../wishlist/meaning/plan.ts';
import { ALL_READ, WISHLIST } from '../../support/all-read.ts';
import { ANYTHING } from '../../../wishlist/meaning/uncertainty.ts';
import { formatPlatform, parsePlatform } from '../../../core/oci/platform.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import type { Keep } from '../../../wishlist/recipe/settings.ts';
import type { WishedImage } from '../../../wishlist/meaning/wished-image.ts';

const DAY_MS = 86_400_000;
const NOW_MS = 1000 * DAY_MS;

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

  it('removes nothing that may be wanted', () => {
    const published = ['quay.io/a:1 one', 'quay.io/b:1 arm64 two'].map(publishedImage);
    assert.deepEqual(shown(planRepository('x', [], published, knowledge({ uncertainties: [ANYTHING] }))), {
      add: [],
      update: [],
      unchanged: [],
      unknown: ['quay.io/a:1', 'quay.io/b:1 arm64'],
      remove: [],
    });
  });
});

type Shown = Record<Exclude<keyof Plan, 'questions'>, string[]>;

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
