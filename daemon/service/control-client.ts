import { accessSync, constants } from 'node:fs';
import { request } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { z } from 'zod';
import { codeOf, hasCode } from '../../core/system-error.ts';
import { controlSocket } from './control.ts';

const TIME_LIMIT_MS = 5000;

const layer = z.object({
  layer: z.string(),
  image: z.string(),
  bytes: z.number(),
  sizeBytes: z.number(),
});

const failure = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });

/** What a running daemon says of itself. */
const activitySchema = z.object({
  version: z.string(),
  pid: z.number(),
  /** In ms since 1970. */
  startedMs: z.number(),
  isStopping: z.boolean(),
  /** Since when it looks at wishlists and registries, in ms since 1970. */
  cycleSinceMs: z.number().optional(),
  nextCycleMs: z.number().optional(),
  spool: z.object({ bytes: z.number(), limitBytes: z.number() }),
  /** Why it remembers nothing of what happens. */
  databaseFailure: failure.optional(),
  /** Why the configuration that it was last told to read is not in force. */
  refusedReload: failure.extend({ sinceMs: z.number() }).optional(),
  repositories: z
    .array(
      z.object({
        repository: z.string(),
        waiting: z.number(),
        preparing: z.array(z.string()).readonly(),
        ready: z.number(),
        publishing: z.array(z.string()).readonly(),
        layers: z.array(layer).readonly(),
        published: z.object({ bytes: z.number(), ofBytes: z.number() }).optional(),
        waitingFor: z.string().optional(),
      }),
    )
    .readonly(),
});

export type DaemonActivity = z.output<typeof activitySchema>;

/** What the daemon of the state directory does now; `undefined` where none answers. */
export async function askActivity(stateDirectory: string): Promise<DaemonActivity | undefined> {
  const text = await ask(stateDirectory, { method: 'GET', path: '/activity' });
  return text === undefined ? undefined : activitySchema.parse(JSON.parse(text));
}

/** Whether this user may ask the daemon of the state directory, as far as its socket goes. */
export function mayAskDaemon(stateDirectory: string): boolean {
  try {
    accessSync(controlSocket(stateDirectory), constants.W_OK);
    return true;
  } catch (error) {
    return !hasCode(error, 'EACCES');
  }
}

/** Lets the daemon of the state directory look at everything now. @returns whether there is one */
export async function wakeDaemon(stateDirectory: string): Promise<boolean> {
  return (await ask(stateDirectory, { method: 'POST', path: '/wake' })) !== undefined;
}

/** @returns the answer's text; `undefined` if there is no socket, nobody listens on it any more, or this user may not use it */
async function ask(
  stateDirectory: string,
  { method, path }: { readonly method: 'GET' | 'POST'; readonly path: string },
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(TIME_LIMIT_MS);
  try {
    return await new Promise<string | undefined>((resolve, reject) => {
      const socketPath = controlSocket(stateDirectory);
      request({ socketPath, method, path, signal, agent: false }, (response) => {
        const isFine = (response.statusCode ?? 500) < 300;
        textOf(response).then((body) => resolve(isFine ? body : undefined), reject);
      })
        .once('error', reject)
        .end();
    });
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}
