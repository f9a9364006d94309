import type { Failure } from '../failure.ts';
import { headerOf, readErrorBody, type HttpResponse } from './response.ts';
import type { Connections, Exchange } from './connections.ts';
import type { Subject } from './fault.ts';

const MAXIMUM_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * The answer behind all redirects. `authorization` goes to the origin of the exchange's URL alone. A HEAD stays one.
 *
 * @see RFC 9110, section 15.4, and 4.2.4 on user information in addresses
 * @throws Failure `registry-error` for too many redirects, for one that leaves HTTPS, and for one of
 *   a POST: its form may hold a secret, which goes nowhere but to the place that was named for it
 */
export async function followRedirects(
  connections: Pick<Connections, 'send'>,
  exchange: Exchange,
  authorization: string | undefined,
): Promise<HttpResponse> {
  let { url } = exchange;
  for (let redirects = 0; ; redirects += 1) {
    const isSameOrigin = url.origin === exchange.url.origin;
    const headers =
      authorization !== undefined && isSameOrigin ? { ...exchange.headers, authorization } : exchange.headers;
    const answer = await connections.send({ ...exchange, url, headers });
    const location = REDIRECTS.has(answer.status) ? headerOf(answer, 'location') : undefined;
    if (location === undefined) return answer;
    await readErrorBody(answer);
    if (exchange.method === 'POST') throw refused(exchange.subject, 'redirects a POST');
    if (redirects === MAXIMUM_REDIRECTS) throw refused(exchange.subject, 'redirects in circles');
    url = targetOf(location, url, exchange.subject);
  }
}

function targetOf(location: string, base: URL, subject: Subject): URL {
  const target = URL.canParse(location, base.href) ? new URL(location, base.href) : undefined;
  if (target?.protocol !== 'https:' && target?.protocol !== 'http:') {
    throw refused(subject, 'redirects to something that is not a valid HTTP address');
  }
  if (target.username !== '' || target.password !== '') {
    throw refused(subject, `redirects to an address with a user at ${target.host}`);
  }
  if (base.protocol === 'https:' && target.protocol !== 'https:') {
    throw refused(subject, `redirects from HTTPS to plain HTTP at ${target.host}`);
  }
  return target;
}

function refused(subject: Subject, reason: string): Failure {
  return subject.toFailure({ kind: 'redirect', reason });
}
