import { z } from 'zod';
import { Failure } from '../../wishlist/failure.ts';
import type { ImageReference } from '../../wishlist/reference/reference.ts';
import { checkSchema, parseJson } from './json.ts';
import { nextLink } from './http/link.ts';
import { requestOf, type Source } from './sources.ts';
import { describeSubject } from './subject.ts';
import type { Transport } from './http/transport.ts';

interface Page {
  readonly tags: readonly string[];
  /** As the `Link` field has it. */
  readonly next: string | undefined;
}

const TAGS_A_PAGE = 1000;
const LARGEST_PAGE_BYTES = 16 * 1024 * 1024;
const MAXIMUM_PAGES = 10_000;
const MAXIMUM_TAGS = 2_000_000;

const pageSchema = z.object({ tags: z.array(z.string()).nullish() });

/**
 * All tags of the repository of `reference`, each once, in the registry's order; whatever a registry calls a tag is
 * one. Pages are followed as `Link` says. Without one, exactly as many tags as were asked for may be all or the first
 * page: what comes after the last of them is asked for too, until nothing new comes. Registries that ignore `n` give
 * all tags at once, and those that ignore `last` the same ones again.
 *
 * @see OCI distribution specification 1.1, "Listing Tags"; RFC 8288 for the link to the next page
 */
export async function listTags(transport: Transport, source: Source): Promise<string[]> {
  const { reference } = source;
  const tags = new Set<string>();
  const asked = new Set<string>();
  const first = source.url(`tags/list?n=${TAGS_A_PAGE}`);
  let isLinked = false;
  let url: URL | undefined = first;
  while (url !== undefined) {
    asked.add(url.href);
    const page: Page = await readPage(transport, source, url);
    const known = tags.size;
    for (const tag of page.tags) tags.add(tag);
    const hasNews = tags.size > known;
    isLinked ||= page.next !== undefined;
    const next: URL | undefined = isLinked ? linked(page, url, reference) : unlinked(page, first, hasNews);
    const isRepeated = page.tags.length > 0 && !hasNews;
    if (next !== undefined && (isRepeated || asked.has(next.href))) {
      throw endless(reference, `repeats a page after ${tags.size} tags`);
    }
    if (asked.size >= MAXIMUM_PAGES || tags.size > MAXIMUM_TAGS) throw endless(reference, 'does not end');
    url = next;
  }
  return [...tags];
}

async function readPage(transport: Transport, source: Source, url: URL): Promise<Page> {
  const subject = { kind: 'tag list', reference: source.reference } as const;
  const request = { ...requestOf(source, subject, url), headers: { accept: 'application/json' } };
  const limit = { bytes: LARGEST_PAGE_BYTES, code: 'registry-error' } as const;
  const name = { what: describeSubject(subject), code: 'registry-error' } as const;
  return await transport.read(request, limit, ({ bytes, header }) => ({
    tags: checkSchema(pageSchema, parseJson(bytes, name), name).tags ?? [],
    next: nextLink(header('link') ?? ''),
  }));
}

/** Another origin would be asked without the registry's authorization, and could send us anywhere. */
function linked({ next }: Page, base: URL, reference: ImageReference): URL | undefined {
  if (next === undefined) return undefined;
  const target = URL.canParse(next, base.href) ? new URL(next, base.href) : undefined;
  if (target?.host !== base.host) throw endless(reference, 'goes on at an address that is not the registry');
  // A registry behind a proxy may not know that it is asked over HTTPS.
  return new URL(`${target.pathname}${target.search}`, base.origin);
}

/** What comes after a page of a registry that has given no link, where it may not have been the last one. */
function unlinked({ tags }: Page, first: URL, hasNews: boolean): URL | undefined {
  const last = tags.at(-1);
  if (last === undefined || !hasNews || tags.length !== TAGS_A_PAGE) return undefined;
  const next = new URL(first);
  next.searchParams.set('last', last);
  return next;
}

function endless(reference: ImageReference, what: string): Failure {
  const message = `${describeSubject({ kind: 'tag list', reference })} ${what}`;
  return new Failure('registry-error', message, { hint: 'ask whoever runs the registry' });
}
