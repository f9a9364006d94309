import { z } from 'zod';

/*
 * Status of a running daemon, as it passes its socket. Times are in ms since 1970. Imported only where a daemon has
 * answered: zod takes a while to load.
 */

const failure = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });

/** A layer that is being fetched. */
const layer = z.object({ layer: z.string(), image: z.string(), bytes: z.number(), sizeBytes: z.number() });

/** Current work on one repository. Images are `<registry>/<repository>:<tag>`, with the platform where it matters. */
const repository = z.object({
  repository: z.string(),
  waiting: z.number(),
  preparing: z.array(z.string()),
  ready: z.number(),
  publishing: z.array(z.string()),
  layers: z.array(layer),
  /** Progress of the publication, by the content of its files. */
  published: z.object({ bytes: z.number(), ofBytes: z.number() }).optional(),
  /** Reason why the publication waits, such as another writer. */
  waitingFor: z.string().optional(),
});

export const activitySchema = z.object({
  version: z.string(),
  pid: z.number(),
  startedMs: z.number(),
  isStopping: z.boolean(),
  /** Since when it has been reading wishlists and asking registries; `undefined` between cycles. */
  cycleSinceMs: z.number().optional(),
  nextCycleMs: z.number().optional(),
  spool: z.object({ bytes: z.number(), limitBytes: z.number() }),
  /** Why nothing is being remembered. */
  databaseFailure: failure.optional(),
  /** Why the last reload of the configuration was refused. */
  refusedReload: failure.extend({ sinceMs: z.number() }).optional(),
  repositories: z.array(repository),
});

export type DaemonActivity = z.infer<typeof activitySchema>;
export type RepositoryActivity = z.infer<typeof repository>;
export type LayerActivity = z.infer<typeof layer>;
export type FailureReport = z.infer<typeof failure>;
