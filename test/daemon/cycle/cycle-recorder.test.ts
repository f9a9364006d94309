import assert from 'node:assert/strict';
import type { KnownState, StateStore } from '../../../daemon/cycle/state-store.ts';
import { CycleRecorder } from '../../../daemon/cycle/cycle-recorder.ts';
import { failedResult, type ImageResult } from '../../../publisher/image/events.ts';
import type { ResolvedImage } from '../../../publisher/image/image.ts';
import type { Candidate } from '../../../publisher/pipeline/resolve.ts';
import type { PlatformImage } from '../../../publisher/image/results.ts';
import { Failure, type FailureCode } from '../../../core/failure.ts';
import { LINUX_AMD64, type Platform } from '../../../core/oci/platform.ts';
import { parseReference } from '../../../core/oci/reference.ts';

const REPOSITORY = 'images.unpackd.test';
const ARM64: Platform = { os: 'linux', architecture: 'arm64' };
const PUBLISHED = { outcome: 'published' } as ImageResult;
const UNCHANGED = { outcome: 'unchanged' } as ImageResult;

function failed(code: FailureCode): ImageResult {
  return failedResult(new Failure(code, 'test'));
}

function part(publicName: string, platform: Platform = LINUX_AMD64): PlatformImage {
  const reference = parseReference(publicName);
  return {
    wanted: { reference, publicName, outputs: undefined, platforms: undefined, isNamed: true },
    platform,
  };
}

function resolved(publicName: string, platform: Platform = LINUX_AMD64): ResolvedImage {
  const manifest = { config: { digest: 'sha256:c' }, layers: [{ digest: 'sha256:a', sizeBytes: 5 }] };
  return {
    publicName,
    platform,
    reference: parseReference(publicName),
    manifest,
  } as unknown as ResolvedImage;
}

describe('daemon/cycle/cycle-recorder', () => {
  let told: string[];
  let recorder: CycleRecorder;

  beforeEach(() => {
    told = [];
    const store: Pick<StateStore, 'attempt' | 'current' | 'repositoryFailure'> = {
      attempt: async ({ publicName, platform, bytes, failure, isWhole }, image) => {
        const how = `${failure?.code ?? 'good'} ${isWhole ? 'whole' : 'part'} ${image?.config ?? '-'}`;
        told.push(`${publicName} ${platform ?? 'all'} ${bytes} ${how}`);
      },
      current: async (_, images, fine) => {
        told.push(`current ${images.map(({ publicName }) => publicName).join()}; fine ${fine.join()}`);
      },
      repositoryFailure: async (name, failure) => void told.push(`${name} ${failure?.code ?? 'good'}`),
    };
    recorder = new CycleRecorder(REPOSITORY, {
      store: store as StateStore,
      nowMs: () => 1,
      observeIn: () => (event) => void (event.type === 'bug' && told.push(`bug ${event.image}`)),
    });
  });

  const [A, B] = ['quay.io/lab/a:1', 'quay.io/lab/b:1'] as const;

  it('writes down what was published, and how many bytes were missing', async () => {
    const image = resolved(A);
    const missing = [{ digest: 'sha256:a', sizeBytes: 5 }];
    const candidates = [{ part: part(A), resolved: image, missing }];
    recorder.found(candidates as unknown as readonly Candidate[]);
    told = [];
    recorder.settle(part(A), PUBLISHED, image);
    await recorder.end(undefined);
    assert.deepEqual(told, [`${A} linux/amd64 5 good whole sha256:c`, `${REPOSITORY} good`]);
  });

  it('tries an image again that is published without the podman store', async () => {
    const leftOut = {
      output: 'podman',
      code: 'repository-conflict',
      message: 'x',
      hint: undefined,
    } as const;
    recorder.settle(part(A), { ...PUBLISHED, leftOut } as ImageResult, resolved(A));
    await recorder.end(undefined);
    assert.deepEqual(told, [`${A} linux/amd64 0 repository-conflict part sha256:c`, `${REPOSITORY} good`]);
  });

  it('takes an image for a part only where another platform of it failed', async () => {
    recorder.settle(part(A, ARM64), failed('platform-missing'), undefined);
    recorder.settle(part(A), PUBLISHED, resolved(A));
    recorder.settle(part(B), PUBLISHED, resolved(B));
    await recorder.end(undefined);
    assert.deepEqual(told, [
      `${A} linux/arm64 0 platform-missing part -`,
      `${A} linux/amd64 0 good part sha256:c`,
      `${B} linux/amd64 0 good whole sha256:c`,
      `${REPOSITORY} good`,
    ]);
  });

  const stopping: [code: FailureCode, lines: string[]][] = [
    ['repository-busy', [`${REPOSITORY} repository-busy`]],
    ['state-unusable', [`${REPOSITORY} state-unusable`]],
    ['interrupted', []],
  ];
  for (const [code, lines] of stopping) {
    it(`blames no image for ${code}`, async () => {
      recorder.settle(part(A), failed(code), undefined);
      await recorder.end(new Failure(code, 'test'));
      assert.deepEqual(told, lines);
    });
  }

  it('tells of an image that cannot be written down, and writes down the others', async () => {
    const broken = { ...resolved(A), manifest: undefined } as unknown as ResolvedImage;
    recorder.settle(part(A), PUBLISHED, broken);
    recorder.settle(part(B), PUBLISHED, resolved(B));
    const unrecorded = await recorder.end(undefined);
    assert.deepEqual(
      unrecorded.map(({ part: { wanted }, failure }) => `${wanted.publicName} ${failure.code}`),
      [`${A} bug`],
    );
    assert.deepEqual(
      told.toSorted(),
      [`bug ${A}`, `${B} linux/amd64 0 good whole sha256:c`, `${REPOSITORY} good`].toSorted(),
    );
  });

  it('puts right what is remembered of images that are as they should be', async () => {
    const known = (digest: string, platform = LINUX_AMD64): KnownState['published'][number] => ({
      publicName: A,
      platform,
      digest,
      keep: undefined,
      unwantedSinceMs: undefined,
      askedBy: ['wishlist'],
      isConfirmed: false,
    });
    const failing = new Map([A, B].map((name) => [name, {}])) as unknown as KnownState['failing'];
    const cases: [published: KnownState['published'], line: string][] = [
      [[known('sha256:c')], `current ; fine ${A}`],
      [[known('sha256:d')], `current ${A}; fine ${A}`],
      [[known('sha256:c', ARM64)], `current ${A}; fine ${A}`],
      [[], `current ${A}; fine ${A}`],
    ];
    for (const [published, line] of cases) {
      told = [];
      recorder.begin({ published, failing, deaths: new Map() });
      const one = part(A);
      const other = part(B);
      recorder.settle(one, UNCHANGED, resolved(A));
      // Of a pass that has not ended.
      recorder.settle(other, UNCHANGED, resolved(B));
      const looked = new Map([[one.wanted, []]]);
      await recorder.looked({ resolved: looked, passedOver: new Map() });
      assert.deepEqual(told, [line]);
    }
  });
});
