import assert from 'node:assert/strict';
import { NameRemoval, type RemovalTask } from '../../../daemon/cycle/removing.ts';
import type { StateStore } from '../../../daemon/cycle/state-store.ts';
import { TagQuestions } from '../../../daemon/cycle/tag-questions.ts';
import { Failure } from '../../../core/failure.ts';
import { LINUX_AMD64 } from '../../../core/oci/platform.ts';
import { manifestPath } from '../../../publisher/image/layout.ts';
import type { NamesPublisher } from '../../../publisher/removal/removal.ts';
import { planRepository, type PublishedImage } from '../../../wishlist/meaning/plan.ts';
import { ALL_READ, WISHLIST } from '../../support/all-read.ts';
import { MemoryRepository } from '../../publisher/compose/memory-repository.ts';

const REPOSITORY = 'images.unpackd.test';
const NAME = 'quay.io/lab/tool:1';
const DAY_MS = 86_400_000;
const CONFIG = `sha256:${'c'.repeat(64)}`;

describe('daemon/cycle/removing', () => {
  let view: MemoryRepository;
  let told: string[];
  let recorded: string[];
  let nowMs: number;
  let mayRemove: boolean;
  let remembered: PublishedImage[];
  let task: RemovalTask;
  let context: ConstructorParameters<typeof NameRemoval>[1];

  const published: PublishedImage = {
    publicName: NAME,
    platform: LINUX_AMD64,
    digest: CONFIG,
    keep: undefined,
    unwantedSinceMs: 0,
    askedBy: [WISHLIST],
    isConfirmed: false,
  };

  beforeEach(() => {
    view = new MemoryRepository();
    [told, recorded, nowMs, mayRemove, remembered] = [[], [], 10 * DAY_MS, true, [published]];
    const clock = { nowMs, latestMs: nowMs, believedMs: undefined };
    task = {
      repository: REPOSITORY,
      publisher: {
        view,
        clientRoot: '/cvmfs',
        publish: async (compose: (repository: object) => Promise<unknown>) =>
          void (await compose({ view, capabilities: {} })),
      } as unknown as NamesPublisher,
      isPaused: false,
      wanted: [],
      remembered: { published: [published], absences: new Map(), clock },
      isEmptied: () => false,
      refused: [],
      pending: [],
      isLatest: () => true,
      lacksTag: () => false,
      plan: (images, tags) =>
        planRepository(REPOSITORY, [], images, {
          ...ALL_READ,
          uncertainties: [],
          resolved: () => undefined,
          keep: { days: 2 },
          tags,
          nowMs,
        }),
    };
    context = {
      store: {
        get mayRemove() {
          return mayRemove;
        },
        noteTags: async () => new Map(),
        remembered: async () => ({ ...task.remembered, published: remembered }),
        plan: async () => void recorded.push('plan'),
        removed: async (_: string, images: readonly { publicName: string }[]) =>
          void recorded.push(...images.map(({ publicName }) => publicName)),
      } as unknown as StateStore,
      observeIn: () => (event) => void told.push('message' in event ? event.message : event.type),
      nowMs: () => nowMs,
      removal: {
        limits: { images: 50, percent: 10 },
        takesHeld: false,
        questions: new TagQuestions(async () => await Promise.resolve(new Map()), assert.fail),
        refusals: new Map(),
      },
    };
  });

  const run = async (change: Partial<RemovalTask> = {}): Promise<void> => {
    const removal = new NameRemoval({ ...task, ...change }, context);
    await removal.findKept();
    assert.deepEqual(await removal.run(), []);
  };

  const busy = async (): Promise<never> => {
    throw new Failure('repository-busy', 'somebody has it', { hint: 'wait' });
  };

  it('takes a removal that fails for a warning', async () => {
    await run({ publisher: { ...task.publisher, publish: busy } });
    assert.deepEqual(told, ['public names cannot be removed, which is tried again: somebody has it; wait']);
    assert.deepEqual(recorded, ['plan']);
  });

  const waiting: [what: string, change: () => Partial<RemovalTask>][] = [
    ['while the repository is paused', () => ({ isPaused: true })],
    ['while its registry has not answered', () => ({ pending: ['quay.io'] })],
    ['of a cycle after which another has begun', () => ({ isLatest: () => false })],
    [
      'beside a daemon',
      () => {
        mayRemove = false;
        return {};
      },
    ],
    [
      'once another cycle has begun meanwhile',
      () => {
        let looks = 0;
        return { isLatest: () => looks++ === 0 };
      },
    ],
  ];
  for (const [what, change] of waiting) {
    it(`removes nothing ${what}`, async () => {
      await run({ publisher: { ...task.publisher, publish: assert.fail }, ...change() });
      assert.deepEqual(told, []);
    });
  }

  it('removes nothing that is asked for again while the repository is busy', async () => {
    const publish = async (...[compose]: Parameters<NamesPublisher['publish']>): Promise<void> => {
      remembered = [{ ...published, unwantedSinceMs: undefined }];
      assert.ok(typeof compose === 'function');
      assert.equal(await compose({} as never), undefined);
    };
    await run({ publisher: { ...task.publisher, publish } });
    assert.deepEqual([recorded, told], [['plan'], []]);
  });

  it('forgets what is no longer there', async () => {
    await run();
    assert.deepEqual([recorded, told], [['plan', NAME], []]);
  });

  it('leaves alone what has no record, says so, and tries again after a day', async () => {
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: CONFIG, size: 1 },
      layers: [],
    };
    view.put(manifestPath(NAME), 'file', JSON.stringify(manifest));
    await run();
    await run();
    assert.deepEqual([told.length, recorded], [1, ['plan', 'plan']]);
    assert.match(told[0] ?? '', /^quay\.io\/lab\/tool:1 stays: /);
    nowMs += DAY_MS;
    await run();
    assert.equal(told.length, 2);
  });
});
