import { join } from 'node:path';
import { type Observer, toAll } from '../../publisher/image/events.ts';
import { RegistryClient } from '../../publisher/registry/client.ts';
import { ManifestFiles, NO_CACHE } from '../../publisher/registry/manifest/manifest-cache.ts';
import { isPublicAddress } from '../../core/http/public-address.ts';
import type { Context } from '../output/context.ts';
import { StateStore } from './state-store.ts';
import { recordPublications } from './cycle-recorder.ts';
import { InFlight } from './in-flight.ts';
import type { RepositoryReport } from './repository-work.ts';
import type { CycleContext } from './context.ts';
import { type ExitStatus, exitStatusOf } from '../output/exit-status.ts';
import { readNetwork, openRegistries } from '../configuration/registries/registries.ts';
import { isDaemonRunning } from '../state/state-lock.ts';
import { isOurs } from '../state/state-files.ts';
import { isSafe } from '../../core/system/private-folder.ts';
import { removalLimitsOf } from '../configuration/limits.ts';
import { TagQuestions } from './tag-questions.ts';
import { spoolFolder, takeState, PublisherPool } from './publisher-pool.ts';
import { openState } from '../state/open-state.ts';

/**
 * Calls `work` with a configured registry client, and closes it afterwards.
 *
 * @throws Failure `configuration-invalid` where what the configuration or the environment names for registries cannot
 *   be used
 */
export async function withRegistry<T>(
  context: Context,
  work: (client: RegistryClient) => Promise<T>,
): Promise<T> {
  const client = await openRegistry(context);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** The same, to be closed by the caller. */
export async function openRegistry(
  context: Pick<Context, 'configuration' | 'environment' | 'observe' | 'signal'> & {
    readonly nowMs?: () => number;
  },
): Promise<RegistryClient> {
  const { configuration, environment, observe, signal, nowMs = Date.now } = context;
  return new RegistryClient({
    ...(await readNetwork(environment)),
    ...(await openRegistries(context)),
    signal,
    ...(configuration.publicOnly && { isAllowed: isPublicAddress }),
    concurrency: configuration.registryRequests,
    listTimeoutMs: configuration.tagListTimeoutMs,
    lookTimeoutMs: configuration.manifestTimeoutMs,
    nowMs,
    foreignLayers: configuration.foreignLayers,
    // A cache: commands that only look do not put it into another user's state.
    manifestCache:
      isOurs(configuration.state) && isSafe(configuration.state)
        ? new ManifestFiles(join(configuration.state, 'manifests'))
        : NO_CACHE,
    warn: (message) => observe({ type: 'warning', message }),
    onRequest:
      configuration.logLevel === 'debug' ? (record) => observe({ type: 'request', ...record }) : undefined,
  });
}

/**
 * Calls `work` with all that a command needs to publish images once.
 *
 * @param isAll whether what the command publishes is all that is wanted, as far as no daemon says it
 * @throws Failure `state-unusable` where the state is another user's
 */
export async function withPublishing<T>(
  context: Context,
  isAll: boolean,
  work: (parts: CycleContext & { readonly client: RegistryClient }) => Promise<T>,
): Promise<T> {
  const { configuration, observe, signal } = context;
  const note = (message: string): void => observe({ type: 'note', message });
  const warn = (message: string): void => observe({ type: 'warning', message });
  await takeState(configuration, note);
  return await withRegistry(context, async (client) => {
    const store = new StateStore({
      open: async () => await openState(configuration.state, warn),
      warn,
      note,
      nowMs: Date.now,
      readOnlyWishes: !isAll || isDaemonRunning(configuration.state),
    });
    const observeIn = (repository: string): Observer =>
      toAll(observe, recordPublications(repository, { store, nowMs: Date.now }));
    const inFlight = new InFlight({ store, spool: spoolFolder(configuration), nowMs: Date.now });
    const end = (): void => void inFlight.end();
    signal.addEventListener('abort', end, { once: true });
    const guardIn = inFlight.guard.bind(inFlight);
    const signals = { signal, publishSignal: signal };
    const pool = new PublisherPool({ configuration, client, observe, observeIn, guardIn, ...signals });
    const removal = {
      limits: removalLimitsOf(configuration),
      takesHeld: configuration.yesReally,
      questions: new TagQuestions(client.presenceOf.bind(client), warn),
      refusals: new Map<string, number>(),
    };
    const given = { pool, store, inFlight, observeIn, client, removal, nowMs: Date.now };
    try {
      return await work({ ...given, respectBackoff: false, patienceMs: Number.POSITIVE_INFINITY });
    } finally {
      pool.close();
      signal.removeEventListener('abort', end);
      await inFlight.end();
      await store.close();
    }
  });
}

/** Reports repositories that could not be used; their images have not been reported. */
export function tellUnusable({ output }: Context, reports: readonly RepositoryReport[]): void {
  for (const { repository, stopped, isUnusable } of reports)
    if (isUnusable && stopped !== undefined)
      output.failure(stopped, reports.length > 1 ? repository : undefined);
}

/** Exit status of a run: that of the first failure that stopped a repository, or 1 if an image failed. */
export function statusOf(reports: readonly RepositoryReport[]): ExitStatus {
  const stopped = reports.find((report) => report.stopped !== undefined)?.stopped;
  if (stopped !== undefined) return exitStatusOf(stopped);
  const failed = reports.some(({ images }) => images.some(({ result }) => result.outcome === 'failed'));
  return failed ? 1 : 0;
}
