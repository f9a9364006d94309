import { z } from 'zod';
import type { Credentials } from '../../../publisher/registry/options.ts';
import { Failure } from '../../../core/failure.ts';
import { hideLogin, hideSecret } from '../secrets.ts';
import { interruption } from '../../../core/interruption.ts';
import { parseIfValid } from '../../../core/json.ts';
import { codeOf, hasCode } from '../../../core/system-error.ts';
import { runProgram, type ProgramEnd } from '../../../core/system/run-program.ts';
import type { Environment } from '../options.ts';

/** A request to a credential helper. */
export interface HelperCall {
  /** Of the program `docker-credential-NAME`. */
  readonly name: string;
  /** The registry, for messages. */
  readonly host: string;
  /** The helper's name for the registry. */
  readonly server: string;
}

export interface HelperLimits {
  /** For the helper, which is looked up in its PATH. */
  readonly environment: Environment;
  readonly timeLimitMs: number;
  readonly signal: AbortSignal | undefined;
}

interface HelperEnd {
  readonly output: string;
  readonly problem: string | undefined;
}

/** In characters: 1 MiB of ASCII. */
const LARGEST_OUTPUT = 1024 * 1024;

/** Stands for the user if the secret is an identity token. */
export const TOKEN_USER = '<token>';

/** Printed by all helpers for a registry they do not know. */
const NOT_FOUND = 'credentials not found in native keychain';

const answerSchema = z.object({ Username: z.string(), Secret: z.string().min(1) });

/** Accepts only names of programs in the PATH, not paths. */
export function isHelperName(name: string): boolean {
  return /^[A-Za-z0-9._-]+$/.test(name);
}

/**
 * Asks a credential helper; `undefined` if it has no credentials for this registry.
 *
 * @see https://docs.docker.com/reference/cli/docker/login/ "Credential helper protocol"
 * @throws Failure `credentials-unavailable` with nothing that the helper printed; `interrupted`
 */
export async function askHelper(call: HelperCall, limits: HelperLimits): Promise<Credentials | undefined> {
  const program = `docker-credential-${call.name}`;
  const end = await runHelper(program, call.server, limits);
  if (end.problem !== undefined) {
    if (end.output.trim() === NOT_FOUND) return undefined;
    throw unavailable(call, program, end.problem);
  }
  const answer = parseIfValid(answerSchema, end.output);
  if (answer === undefined) throw unavailable(call, program, 'printed no JSON with Username and Secret');
  const { Username: user, Secret: secret } = answer;
  if (user === TOKEN_USER) {
    hideSecret(secret);
    return { user, password: '', identityToken: secret, origin: program };
  }
  hideLogin(user, secret);
  return { user, password: secret, origin: program };
}

/**
 * Runs `PROGRAM get` with the server on its standard input. When it takes too long or prints too much, nothing of its
 * process group is left.
 */
async function runHelper(program: string, server: string, limits: HelperLimits): Promise<HelperEnd> {
  const { signal, timeLimitMs } = limits;
  if (signal?.aborted === true) throw interruption(signal);
  const { output, end } = await runProgram([program, 'get'], {
    ...limits,
    input: [Buffer.from(server)],
    outputLimitCharacters: LARGEST_OUTPUT,
    dropsErrors: true,
    // Its own processes may answer in its place.
    restMs: timeLimitMs,
  });
  if (signal !== undefined && end?.kind === 'interrupted') throw interruption(signal);
  return { output, problem: end && problemOf(end, timeLimitMs) };
}

/** A predicate for the program's name, without anything that it printed. */
function problemOf(end: ProgramEnd, timeLimitMs: number): string {
  switch (end.kind) {
    case 'not-started':
      return hasCode(end.error, 'ENOENT')
        ? 'is not in the PATH of unpackd'
        : `cannot be started (${codeOf(end.error) ?? 'unknown error'})`;
    case 'failed':
      return end.status.startsWith('signal ')
        ? `was ended by ${end.status.slice('signal '.length)}`
        : `failed with exit status ${end.status.slice('exit '.length)}`;
    case 'endless':
      return 'printed more than 1 MiB';
    default:
      return `did not answer within ${timeLimitMs / 1000} s`;
  }
}

function unavailable({ host }: HelperCall, program: string, problem: string): Failure {
  return new Failure(
    'credentials-unavailable',
    `no credentials for ${host}: the credential helper ${program} ${problem}`,
    { hint: `run "${program} get" by hand, as the same user, with the registry on its standard input` },
  );
}

interface Lifetimes {
  readonly valueMs: number;
  readonly failureMs: number;
}

interface Cached<Value> {
  readonly value: Promise<Value>;
  /** On the clock `now()`; infinite while the value is pending. */
  expiresAtMs: number;
}

/** Caches values and failures by key for a limited time; concurrent requests for a key share one fetch. */
export class TtlCache<Value> {
  readonly #cached = new Map<string, Cached<Value>>();
  readonly #lifetimes: Lifetimes;
  readonly #now: () => number;

  constructor(lifetimes: Lifetimes, now: () => number = () => performance.now()) {
    this.#lifetimes = lifetimes;
    this.#now = now;
  }

  /** Returns or throws the outcome of `fetch`, now or before. */
  async getOrFetch(key: string, fetch: () => Promise<Value>): Promise<Value> {
    const earlier = this.#cached.get(key);
    if (earlier !== undefined && this.#now() < earlier.expiresAtMs) return await earlier.value;
    const cached: Cached<Value> = { value: fetch(), expiresAtMs: Infinity };
    this.#cached.set(key, cached);
    let lifetimeMs = this.#lifetimes.failureMs;
    try {
      const value = await cached.value;
      lifetimeMs = this.#lifetimes.valueMs;
      return value;
    } finally {
      cached.expiresAtMs = this.#now() + lifetimeMs;
    }
  }
}
