import { z } from 'zod';
import type { Credentials } from '../../../publisher/registry/authentication/credentials.ts';
import { Failure } from '../../../core/failure.ts';
import { hideLogin, hideSecret } from '../secrets.ts';
import { runHelper, type HelperLimits } from './run-helper.ts';

/** What to ask which helper. */
export interface HelperCall {
  /** Of the program `docker-credential-NAME`. */
  readonly name: string;
  /** The registry, for messages. */
  readonly host: string;
  /** What the helper knows the registry by. */
  readonly server: string;
}

/** The user of whom there is an identity token in place of a password. */
export const TOKEN_USER = '<token>';

/** What all helpers print for a registry that they do not know. */
const NOT_FOUND = 'credentials not found in native keychain';

const answerSchema = z.object({ Username: z.string(), Secret: z.string().min(1) });

/** A name that leads to a program in the PATH, and nowhere else. */
export function isHelperName(name: string): boolean {
  return /^[A-Za-z0-9._-]+$/.test(name);
}

/**
 * Asks a credential helper; `undefined` where it knows no credentials for this registry.
 *
 * @see https://docs.docker.com/reference/cli/docker/login/ "Credential helper protocol"
 * @throws Failure `credentials-unavailable` without anything that the helper printed; `interrupted`
 */
export async function askHelper(call: HelperCall, limits: HelperLimits): Promise<Credentials | undefined> {
  const program = `docker-credential-${call.name}`;
  const end = await runHelper(program, call.server, limits);
  if (end.problem !== undefined) {
    if (end.output.trim() === NOT_FOUND) return undefined;
    throw unavailable(call, program, end.problem);
  }
  const answer = parse(end.output);
  if (answer === undefined) throw unavailable(call, program, 'printed no JSON with Username and Secret');
  const { Username: user, Secret: secret } = answer;
  if (user === TOKEN_USER) {
    hideSecret(secret);
    return { user, password: '', identityToken: secret, origin: program };
  }
  hideLogin(user, secret);
  return { user, password: secret, origin: program };
}

function parse(output: string): z.output<typeof answerSchema> | undefined {
  try {
    return answerSchema.safeParse(JSON.parse(output)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function unavailable({ host }: HelperCall, program: string, problem: string): Failure {
  return new Failure(
    'credentials-unavailable',
    `there are no credentials for ${host}: the credential helper ${program} ${problem}`,
    { hint: `run "${program} get" by hand, as the same user, with the registry on its standard input` },
  );
}
