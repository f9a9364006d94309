import { join } from 'node:path';
import { failedResult } from '../publisher/events.ts';
import { ListingStore } from '../publisher/layer/listing-store.ts';
import { publishImages, type PublishingReport } from '../publisher/publish-images.ts';
import { isFailure, type Failure } from '../wishlist/failure.ts';
import { formatReference } from '../wishlist/reference/reference.ts';
import type { Outputs, WantedImage } from '../publisher/image.ts';
import { RegistryClient } from '../publisher/registry/client.ts';
import { ManifestFiles } from '../publisher/registry/manifest/manifest-files.ts';
import type { Backend } from '../publisher/repository/backend.ts';
import { CvmfsBackend } from '../publisher/repository/cvmfs/backend.ts';
import { DirectoryBackend } from '../publisher/repository/directory/backend.ts';
import { Lock } from '../publisher/repository/lock.ts';
import { Spool } from '../publisher/spool/spool.ts';
import type { Context } from './command.ts';
import type { ExitStatus } from './exit-status.ts';
import { exitStatusOf } from './exit-status.ts';
import { layerLimitsOf } from './layer-limits.ts';
import { readNetwork } from './network.ts';
import type { Configuration } from './options.ts';
import { openRegistries } from './registries/registries.ts';

/**
 * Calls `work` with a registry client that is set up as the configuration says, and closed afterwards.
 *
 * @throws Failure `configuration-invalid` where what the configuration or the environment names for registries cannot
 *   be used
 */
export async function withRegistry<T>(
  context: Context,
  work: (client: RegistryClient) => Promise<T>,
): Promise<T> {
  const { configuration, environment, observe, signal } = context;
  const isLogged = configuration.logLevel === 'debug';
  const client = new RegistryClient({
    ...(await readNetwork(environment)),
    ...(await openRegistries(context)),
    signal,
    concurrency: configuration.registryRequests,
    foreignLayers: configuration.foreignLayers,
    memory: new ManifestFiles(join(configuration.state, 'manifests')),
    warn: (message) => observe({ type: 'warning', message }),
    onRequest: isLogged ? (record) => observe({ type: 'request', ...record }) : undefined,
  });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/**
 * Publishes images in the repository `name` with everything as the configuration says: backend, spool, state.
 *
 * @throws Failure `repository-unusable`, `repository-busy`, `state-unusable`, `disk-full`
 */
async function publish(
  context: Context,
  client: RegistryClient,
  { name, images }: { name: string; images: readonly WantedImage[] },
): Promise<PublishingReport> {
  const { configuration, observe, signal } = context;
  const backend = createBackend(configuration);
  backend.view(name);
  const spoolFolder = join(configuration.temporaryDirectory, 'spool');
  const lock = await Lock.acquire({
    path: join(spoolFolder, 'lock'),
    subject: `the spool ${spoolFolder}`,
    waitMs: configuration.waitMs,
    unusable: 'state-unusable',
    notice: (type, message) => observe({ type, message }),
    signal,
  });
  try {
    const spool = await Spool.open(spoolFolder);
    const listings = new ListingStore(join(configuration.state, 'listings'));
    const parts = { client, spool, listings, backend, observe, signal };
    return await publishImages(name, images, parts, {
      ...configuration,
      outputs: outputsOf(configuration),
      layerLimits: layerLimitsOf(configuration),
      clientRoot: join(configuration.clientRoot, name),
    });
  } finally {
    lock.release();
  }
}

/** How publishing in one repository ended. */
export interface RepositoryReport extends PublishingReport {
  readonly repository: string;
}

/**
 * Publishes in several repositories, one after the other. One that cannot be used leaves the others alone; an
 * interruption ends all.
 */
export async function publishEverywhere(
  context: Context,
  client: RegistryClient,
  targets: readonly { readonly name: string; readonly images: readonly WantedImage[] }[],
): Promise<RepositoryReport[]> {
  const reports: RepositoryReport[] = [];
  for (const target of targets) {
    try {
      reports.push({ repository: target.name, ...(await publish(context, client, target)) });
    } catch (error) {
      if (!isFailure(error)) throw error;
      context.output.failure(error, targets.length > 1 ? target.name : undefined);
      reports.push(unusable(target, error));
    }
  }
  return reports;
}

/** The exit status of runs: that of what stopped the first that was stopped, or 1 where an image failed. */
export function statusOf(reports: readonly PublishingReport[]): ExitStatus {
  const stopped = reports.find((report) => report.stopped !== undefined)?.stopped;
  if (stopped !== undefined) return exitStatusOf(stopped);
  const failed = reports.some(({ images }) => images.some(({ result }) => result.outcome === 'failed'));
  return failed ? 1 : 0;
}

function unusable(
  { name, images }: { readonly name: string; readonly images: readonly WantedImage[] },
  stopped: Failure,
): RepositoryReport {
  const result = failedResult(stopped);
  return {
    repository: name,
    images: images.map(({ reference }) => ({
      image: formatReference(reference),
      platform: undefined,
      result,
    })),
    publications: 0,
    stopped,
  };
}

/** The kind of repositories that the configuration names. */
export function createBackend(configuration: Configuration): Backend {
  const { root, waitMs, publishTimeoutMs: idleLimitMs } = configuration;
  switch (configuration.backend) {
    case 'directory':
      return new DirectoryBackend({ root, waitMs });
    case 'cvmfs': {
      const { cvmfsServer: command, cvmfsSpool: spool, cvmfsConfiguration } = configuration;
      const installation = { command, root, spool, configuration: cvmfsConfiguration };
      return new CvmfsBackend({ installation, waitMs, idleLimitMs });
    }
  }
}

function outputsOf({ skipLayers, skipFlat, skipPodman, chains }: Configuration): Outputs {
  const layers = !skipLayers;
  return { layers, flat: !skipFlat, chains: layers && chains, podman: layers && !skipPodman };
}
