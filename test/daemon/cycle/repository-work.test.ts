import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { TagQuestions } from '../../../daemon/cycle/tag-questions.ts';
import { NOTHING, type StateStore } from '../../../daemon/cycle/state-store.ts';
import { InFlight } from '../../../daemon/cycle/in-flight.ts';
import { workOn } from '../../../daemon/cycle/repository-work.ts';
import type { CycleContext } from '../../../daemon/cycle/context.ts';
import type { PublisherPool } from '../../../daemon/cycle/publisher-pool.ts';
import type {
  PendingResolution,
  RepositoryPublisher,
} from '../../../publisher/pipeline/repository-publisher.ts';
import type { ImageResult } from '../../../publisher/image/events.ts';
import type { Results } from '../../../publisher/image/results.ts';
import type { WishedImage } from '../../../wishlist/meaning/wished-image.ts';
import { LINUX_AMD64 } from '../../../core/oci/platform.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { NO_SETTINGS } from '../../../wishlist/recipe/settings.ts';
import { wishOf } from '../../../wishlist/recipe/wish.ts';

const REPOSITORY = 'images.unpackd.test';
const IMAGE = 'quay.io/lab/tool:1';
const KNOWN = {
  origins: { sources: [] },
  isLatest: () => true,
  uncertainties: [],
  patterns: [],
  refused: [],
  sources: { read: new Set<string>(), configured: undefined },
};

function wished(): WishedImage {
  const reference = parseReference(IMAGE);
  const common = { outputs: undefined, platforms: undefined, keep: undefined, isNamed: true };
  return { ...common, reference, publicName: IMAGE, repositories: [REPOSITORY], wishes: [] };
}

describe('daemon/cycle/repository-work', () => {
  let told: string[];
  let parts: CycleContext;
  let store: StateStore;
  let publisher: RepositoryPublisher;
  beforeEach(() => {
    told = [];
    store = {
      failure: undefined,
      before: async () => NOTHING,
      remembered: async () => NOTHING,
      noteTags: async () => NOTHING.absences,
      looked: async () => undefined,
      current: async () => undefined,
      plan: async () => undefined,
      attempt: async () => undefined,
      repositoryFailure: async (_: string, failure?: { code: string }) =>
        void told.push(`recorded ${failure?.code ?? 'good'}`),
    } as unknown as StateStore;
    const publishResolved: RepositoryPublisher['publishResolved'] = async (
      wanted,
      { results, groupOf },
      onResolved,
    ) => {
      const pass = await publisher.resolve(wanted, results);
      await onResolved(pass);
      await publisher.publishImages(pass, groupOf);
    };
    publisher = {
      publications: 0,
      view: {},
      isPublishing: () => false,
      claim: () => () => undefined,
      resolve: async (wanted: readonly WishedImage[], results: Results): Promise<PendingResolution> => {
        for (const one of wanted)
          results.finish({ wanted: one, platform: undefined }, { outcome: 'unchanged' } as never);
        return {
          candidates: [],
          resolved: new Map(),
          passedOver: new Map(),
          results,
        } as unknown as PendingResolution;
      },
      publishImages: async () => void told.push('published'),
      publishResolved,
    } as unknown as RepositoryPublisher;
    parts = {
      pool: {
        use: async (_: string, work: (given: RepositoryPublisher) => Promise<unknown>) =>
          await work(publisher),
      } as unknown as PublisherPool,
      store,
      inFlight: new InFlight({ store, spool: '/spool', nowMs: () => 0 }),
      observeIn: () => (event) =>
        void (event.type === 'bug' && told.push(`bug ${event.image}: ${event.stack}`)),
      nowMs: () => 0,
      removal: {
        limits: { images: 50, percent: 10 },
        takesHeld: false,
        questions: new TagQuestions(async () => await Promise.resolve(new Map()), assert.fail),
        refusals: new Map(),
      },
      respectBackoff: false,
      patienceMs: Number.POSITIVE_INFINITY,
    };
  });

  const work = async (given: CycleContext) =>
    await workOn({ repository: REPOSITORY, wanted: [wished()], known: KNOWN }, given);

  it('publishes also where nobody can say what is planned', async () => {
    const onPlan = (): never => {
      throw new RangeError('Invalid string length');
    };
    const { stopped, images } = await work({ ...parts, onPlan });
    assert.equal(stopped, undefined);
    assert.deepEqual(
      images.map(({ result }) => result.outcome),
      ['unchanged'],
    );
    const [bug = '', ...others] = told.toSorted();
    assert.match(bug, /^bug images\.unpackd\.test: RangeError: Invalid string length\n +at /);
    assert.deepEqual(others, ['published', 'recorded good']);
  });

  it('ends for a mistake that is no image\u2019s, which is that repository\u2019s failure, and told with its stack', async () => {
    const broken = {
      use: async () => {
        throw new TypeError('a mistake');
      },
    } as unknown as PublisherPool;
    const { stopped, images } = await work({ ...parts, pool: broken });
    assert.equal(stopped?.code, 'bug');
    assert.deepEqual(
      images.map(({ result }) => (result.outcome === 'failed' ? result.code : result.outcome)),
      ['bug'],
    );
    assert.match(told[0] ?? '', /^bug images\.unpackd\.test: TypeError: a mistake\n +at /);
    assert.deepEqual(told.slice(1), ['recorded bug']);
  });

  for (const [what, isNamed, outcome, expected] of [
    ['has', true, 'unchanged', [IMAGE]],
    ['lists, and cannot give now,', false, 'failed', [IMAGE]],
    ['lists, though a line names it, and cannot give now,', 'both', 'failed', [IMAGE]],
    ['cannot give now', true, 'failed', []],
  ] as const) {
    it(`takes a tag for ${expected.length > 0 ? 'seen' : 'unknown'} that a registry ${what}`, async () => {
      const seen: string[] = [];
      store.noteTags = async (_, sightings) => {
        seen.push(...sightings.seen);
        return await Promise.resolve(NOTHING.absences);
      };
      publisher.resolve = async (wanted, results) => {
        const digests = wanted.map(
          (image) => [image, [{ platform: LINUX_AMD64, digest: 'sha256:c' }]] as const,
        );
        const resolved = new Map(outcome === 'failed' ? [] : digests);
        return await Promise.resolve({ candidates: [], resolved, passedOver: new Map(), results } as never);
      };
      publisher.publishImages = async ({ results }) =>
        await Promise.resolve(
          results.finish({ wanted: image, platform: undefined }, {
            outcome,
            code: 'registry-error',
          } as never),
        );
      const reference = parseReference(isNamed === 'both' ? 'quay.io/lab/tool:*' : IMAGE, {
        patterns: 'full',
      });
      const wish = wishOf({ text: IMAGE, reference }, 1, NO_SETTINGS);
      const recipe = { file: 'r', repositories: [], defaults: NO_SETTINGS, wishes: [], problems: [] };
      const image = { ...wished(), isNamed: isNamed !== false, wishes: [{ recipe, wish }] };
      await workOn({ repository: REPOSITORY, wanted: [image], known: KNOWN }, parts);
      assert.deepEqual(seen, expected);
    });
  }

  describe('in a cycle that follows', () => {
    const published = { outcome: 'published', layers: [], outputs: [] } as unknown as ImageResult;
    let resolutions: number;
    let claims: number;
    let end: (result: ImageResult) => void;
    beforeEach(() => {
      resolutions = 0;
      claims = 0;
      parts = { ...parts, respectBackoff: true };
      Object.assign(publisher, {
        isPublishing: () => claims > 0,
        claim: () => {
          claims++;
          return () => claims--;
        },
        resolve: async (_: readonly WishedImage[], results: Results) => {
          resolutions++;
          return { candidates: [], resolved: new Map(), passedOver: new Map(), results };
        },
        publishImages: async ({ results }: PendingResolution) => {
          const result = await new Promise<ImageResult>((resolve) => (end = resolve));
          results.finish({ wanted: wanted[0], platform: undefined }, result);
        },
      });
    });
    const wanted = [wished()] as const;
    const start = async () => await workOn({ repository: REPOSITORY, wanted, known: KNOWN }, parts);

    it('leaves an image alone whose publication is not recorded yet', async () => {
      let recorded = (): void => undefined;
      store.attempt = async () => await new Promise<void>((resolve) => (recorded = resolve));
      const first = start();
      await nextTurn();
      end(published);
      await nextTurn();
      const second = start();
      await nextTurn();
      assert.equal(resolutions, 1);
      recorded();
      await Promise.all([first, second]);
      const third = start();
      await nextTurn();
      end(published);
      await nextTurn();
      recorded();
      await third;
      assert.equal(resolutions, 2);
    });

    it('leaves an image alone that is published while the state is read', async () => {
      const first = start();
      await nextTurn();
      const before = store.before.bind(store);
      store.before = async (...words) => {
        const read = await before(...words);
        end(published);
        await first;
        return read;
      };
      const second = start();
      await nextTurn();
      assert.equal(resolutions, 1);
      await second;
    });
  });
});
