import { accessSync, constants } from 'node:fs';
import { Agent, request, type Dispatcher } from 'undici';
import { z } from 'zod';
import { codeOf, hasCode } from '../../core/error-code.ts';
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

async function ask(
  stateDirectory: string,
  { method, path }: { readonly method: Dispatcher.HttpMethod; readonly path: string },
): Promise<string | undefined> {
  const dispatcher = new Agent({ connect: { socketPath: controlSocket(stateDirectory) } });
  try {
    const { body, statusCode } = await request(`http://daemon${path}`, {
      method,
      dispatcher,
      headersTimeout: TIME_LIMIT_MS,
      bodyTimeout: TIME_LIMIT_MS,
    });
    const text = await body.text();
    return statusCode < 300 ? text : undefined;
  } catch (error) {
    // No socket, one that nobody listens on any more, or one that is not ours to use.
    if (codeOf(error) === undefined) throw error;
    return undefined;
  } finally {
    await dispatcher.destroy();
  }
}
