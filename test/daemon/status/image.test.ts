import assert from 'node:assert/strict';
import type { NewAttempt, State } from '../../../daemon/state/state.ts';
import { imageStatusText, readImageStatus, type ImageStatus } from '../../../daemon/status/image.ts';
import { Failure } from '../../../core/failure.ts';
import { expandRecipes } from '../../../wishlist/meaning/expand.ts';
import { parseRecipe } from '../../../wishlist/recipe/recipe.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { EMPTY_LISTS } from '../../support/whole-lists.ts';
import { openState } from '../../../daemon/state/open-state.ts';

const REPOSITORIES = ['images.unpackd.test', 'other.test'] as const;
const [REPOSITORY, OTHER] = REPOSITORIES;
const IMAGE = 'quay.io/lab/tool:1';
const DAY_MS = 86_400_000;

describe('daemon/status/image', () => {
  let state: State;

  beforeEach(async () => {
    state = await openState(await temporaryDirectory('status'), assert.fail);
    await state.repositories.ensure(REPOSITORIES);
  });
  afterEach(async () => {
    await state.close();
  });

  async function publish(repository: string, publicName: string, image?: string, platform = 'linux/amd64') {
    await state.images.put(repository, [
      { publicName, platform, image, config: 'sha256:c', layers: [], publishedMs: undefined },
    ]);
  }

  function attempt(finishedMs: number, change: Partial<NewAttempt> = {}): NewAttempt {
    const named = { repository: REPOSITORY, publicName: IMAGE, platform: undefined, image: IMAGE };
    return { ...named, startedMs: 0, finishedMs, bytes: 5000, failure: undefined, isWhole: true, ...change };
  }

  async function wish(repository: string): Promise<void> {
    const text = `version: 1\ncvmfs_repo: '${repository}'\ninput:\n  - '${IMAGE}'\n  - 'quay.io/lab/else:1'\n`;
    const { images } = await expandRecipes([parseRecipe(text, 'lab.yaml')], EMPTY_LISTS);
    await state.wishes.replace(repository, images, 5);
  }

  it('is nothing where nobody knows it', async () => {
    await publish(REPOSITORY, 'quay.io/lab/tool:2');
    assert.deepEqual(await readImageStatus(state, IMAGE), []);
  });

  it('is found by its reference in each repository, under each public name and for each platform', async () => {
    await wish(REPOSITORY);
    await publish(REPOSITORY, IMAGE, IMAGE);
    await publish(REPOSITORY, IMAGE, IMAGE, 'linux/arm64');
    await publish(REPOSITORY, `atlas/${IMAGE}`, IMAGE);
    await publish(OTHER, IMAGE, IMAGE);
    const found = await readImageStatus(state, IMAGE);
    assert.deepEqual(
      found.map((one) => [one.repository, one.publicName, one.wishes.length, one.published.length]),
      [
        [REPOSITORY, IMAGE, 1, 2],
        [REPOSITORY, `atlas/${IMAGE}`, 0, 1],
        [OTHER, IMAGE, 0, 1],
      ],
    );
  });

  it('is found by a public name alone, where no more is known', async () => {
    await publish(REPOSITORY, `atlas/${IMAGE}`);
    assert.deepEqual(await readImageStatus(state, IMAGE), []);
    const [found] = await readImageStatus(state, `atlas/${IMAGE}`);
    assert.equal(found?.published.length, 1);
  });

  it('is found by its failure, where nobody asks for it', async () => {
    await state.attempts.record(attempt(1, { failure: new Failure('tag-unknown', 'test') }));
    const [found] = await readImageStatus(state, IMAGE);
    assert.equal(found?.failing?.failure.code, 'tag-unknown');
  });

  it('has the last ten tries, the latest first, and the failure that lasts', async () => {
    await wish(REPOSITORY);
    for (let ms = 1; ms <= 11; ms++) await state.attempts.record(attempt(ms));
    await state.attempts.record(attempt(12, { failure: new Failure('tag-unknown', 'test') }));
    const [found] = await readImageStatus(state, IMAGE);
    assert.deepEqual(
      found?.attempts.map(({ finishedMs }) => finishedMs),
      [12, 11, 10, 9, 8, 7, 6, 5, 4, 3],
    );
    assert.deepEqual([found.failing?.failure.code, found.published], ['tag-unknown', []]);
  });

  describe('as a text', () => {
    /** In the zone of the process. */
    const NOW = new Date(2026, 0, 5, 12, 0).getTime();
    const FAILURE = { code: 'tag-unknown', message: 'no such tag', hint: 'correct it' };
    const NOTHING: ImageStatus = {
      repository: REPOSITORY,
      publicName: IMAGE,
      wishes: [],
      askedBy: [],
      published: [],
      failing: undefined,
      attempts: [],
    };
    const named = { repository: REPOSITORY, publicName: IMAGE, image: IMAGE };
    const WISH = { ...named, source: undefined, file: 'lab.yaml', line: 4, commit: undefined, sinceMs: NOW };
    const PUBLISHED = {
      ...named,
      platform: 'linux/arm64',
      config: 'sha256:c',
      layers: 2,
      bytes: 2_000_000,
      publishedMs: undefined,
      unwantedSinceMs: undefined,
      reason: undefined,
      dueMs: undefined,
      hold: undefined,
    };
    const ATTEMPT = { ...named, platform: undefined, startedMs: NOW, finishedMs: NOW + 61_400, bytes: 5000 };

    const cases: [what: string, status: Partial<ImageStatus>, lines: string[]][] = [
      ['nothing', {}, ['  asked for by nobody', '  not published']],
      [
        'who asks for it',
        {
          wishes: [
            WISH,
            { ...WISH, source: 'lab.yaml' },
            { ...WISH, source: 'git', commit: '0123456789abcdef' },
          ],
        },
        [
          '  asked for by lab.yaml:4, since 2026-01-05 12:00 +00:00',
          '  asked for by lab.yaml:4, since 2026-01-05 12:00 +00:00',
          '  asked for by git lab.yaml:4 at 0123456789ab, since 2026-01-05 12:00 +00:00',
          '  not published',
        ],
      ],
      [
        'what is published',
        { published: [PUBLISHED, { ...PUBLISHED, layers: 1, publishedMs: NOW, unwantedSinceMs: NOW }] },
        [
          '  asked for by nobody, so that only "unpackd remove" removes it',
          '  published for linux/arm64: 2 layers (2.0 MB), config sha256:c',
          '  published for linux/arm64 2026-01-05 12:00 +00:00: 1 layer (2.0 MB), config sha256:c; not wanted since 2026-01-05 12:00 +00:00; stays while that is not sure',
        ],
      ],
      [
        'who asked for it, and when it goes',
        {
          askedBy: ['git', '/home/it/recipe.yaml'],
          published: [{ ...PUBLISHED, unwantedSinceMs: NOW, reason: 'line gone', dueMs: NOW + DAY_MS }],
        },
        [
          '  asked for by nobody; last by git, /home/it/recipe.yaml',
          '  published for linux/arm64: 2 layers (2.0 MB), config sha256:c; not wanted since 2026-01-05 12:00 +00:00, as no line asks for it any more; its name goes in 24 h, on 2026-01-06 12:00 +00:00',
        ],
      ],
      [
        'what was tried, and fails',
        {
          failing: { ...named, tries: 2, sinceMs: NOW, nextTryMs: NOW + 600_000, failure: FAILURE },
          attempts: [
            { ...ATTEMPT, failure: FAILURE },
            { ...ATTEMPT, platform: 'linux/arm64', failure: undefined },
          ],
        },
        [
          '  asked for by nobody',
          '  not published',
          '  failing since 2026-01-05 12:00 +00:00, next try in 10 min: no such tag; correct it [tag-unknown]',
          '  tries:',
          '    2026-01-05 12:00 +00:00, 61 s: failed: no such tag; correct it [tag-unknown]',
          '    2026-01-05 12:00 +00:00 linux/arm64, 61 s: published, 5.0 kB new',
        ],
      ],
    ];
    for (const [what, status, lines] of cases) {
      it(`shows ${what}`, () => {
        const text = imageStatusText([{ ...NOTHING, ...status }], NOW);
        assert.deepEqual(text.split('\n'), [`${IMAGE} in ${REPOSITORY}`, ...lines, '']);
      });
    }

    it('has an empty line between two', () => {
      assert.match(imageStatusText([NOTHING, { ...NOTHING, repository: OTHER }], NOW), /published\n\nquay/);
    });
  });
});
