import { HeaderReader } from '../../../core/http/link.ts';

/** A way to authenticate that a server offers. */
export interface Challenge {
  /** In lower case, such as `bearer`. */
  readonly scheme: string;
  /** Names in lower case. Of a name that is given twice, which the RFC forbids, the first value counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const SPACES = /[ \t]*/y;
const SEPARATORS = /[ \t,]*/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const PARAMETER_AHEAD = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*=/y;
const EQUALS = /[ \t]*=[ \t]*/y;
/** More than the RFC allows without quotes: some servers leave them out around addresses. */
const BARE_VALUE = /[^\s,"]+/y;

/**
 * The challenges of a `WWW-Authenticate` field, in the server's order; several fields are joined with commas before.
 * What follows a mistake is left out.
 *
 * @see RFC 9110, section 11.6.1
 */
export function parseChallenges(field: string): Challenge[] {
  const reader = new HeaderReader(field);
  const challenges: Challenge[] = [];
  for (;;) {
    reader.take(SEPARATORS);
    const challenge = takeChallenge(reader);
    if (challenge === undefined) return challenges;
    challenges.push(challenge);
  }
}

function takeChallenge(reader: HeaderReader): Challenge | undefined {
  const scheme = reader.take(TOKEN)?.toLowerCase();
  if (scheme === undefined) return undefined;
  const parameters = new Map<string, string>();
  reader.take(SPACES);
  if (reader.take(TOKEN68) !== undefined) return { scheme, parameters };
  while (reader.sees(PARAMETER_AHEAD)) {
    const name = reader.take(TOKEN)?.toLowerCase() ?? '';
    reader.take(EQUALS);
    const value = reader.takeQuotedString() ?? reader.take(BARE_VALUE);
    if (value === undefined) return undefined;
    if (!parameters.has(name)) parameters.set(name, value);
    reader.take(SEPARATORS);
  }
  return { scheme, parameters };
}
