import { z } from 'zod';
import { isFailure, type Failure } from '../../core/failure.ts';
import { type TagList, type ImageReference, describeSubject } from '../../core/oci/reference.ts';
import { checkSchema, parseJson } from '../../core/json.ts';
import { nextLink } from '../../core/http/link.ts';
import { requestTo, type EndpointTry } from './endpoints.ts';
import { registryError } from './error-response.ts';
import { TimeLimit } from '../../core/http/time-limit.ts';
import type { Transport } from '../../core/http/transport.ts';

interface Page {
  readonly url: URL;
  readonly tags: readonly string[];
  /** As the `Link` field has it. */
  readonly next: string | undefined;
}

const TAGS_A_PAGE = 1000;
/** Page sizes that servers use, whatever they are asked for. */
const USUAL_PAGES: ReadonlySet<number> = new Set([50, 100, 200, 500, TAGS_A_PAGE, 5000, 10_000]);
const LARGEST_PAGE_BYTES = 4 * 1024 * 1024;
const MAXIMUM_PAGES = 10_000;
/** They are in memory together: some 30 MB. */
const MAXIMUM_TAGS = 250_000;
const MAXIMUM_LIST_BYTES = 8 * 1024 * 1024;
/** Tags have 128 at most: a longer name is none, whatever follows. */
const MOST_CHARACTERS = 129;

const pageSchema = z.object({ tags: z.array(z.string()).nullish() });

/**
 * Lists all tags of the repository, each once, in the registry's order; whatever a registry calls a tag is one, cut to the
 * longest tag there can be. Pages are followed as `Link` says.
 *
 * A registry that gives no link, and as many tags as make a page, may have more: what comes after the last of them is
 * asked for too, until nothing new comes. Where it does not do as it is asked then, the list may not be whole.
 *
 * @see OCI distribution specification 1.1, "Listing Tags"; RFC 8288 for the link to the next page
 * @param limitMs of all pages together, their further tries included
 * @throws Failure of the registry; `registry-error` for a list that does not end, and, where another endpoint can be asked,
 *   for one that may not be whole
 */
export async function listTags(
  transport: Transport,
  endpoint: EndpointTry,
  limitMs: number,
): Promise<TagList & { readonly isDirect: boolean }> {
  const listing = new Listing(transport, endpoint, limitMs);
  const isWhole = await listing.read();
  if (!isWhole && endpoint.hasAlternative) throw unusable(endpoint.reference, 'may not be whole');
  return { tags: [...listing.tags], isWhole, isDirect: listing.isDirect };
}

class Listing {
  readonly tags = new Set<string>();
  /** No page came from where a redirect led. */
  isDirect = true;
  readonly #transport: Transport;
  readonly #endpoint: EndpointTry;
  readonly #whole: TimeLimit;
  readonly #first: URL;
  readonly #asked = new Set<string>();
  #bytes = 0;

  constructor(transport: Transport, endpoint: EndpointTry, limitMs: number) {
    this.#transport = transport;
    this.#endpoint = endpoint;
    this.#whole = new TimeLimit(limitMs);
    this.#first = endpoint.url(`tags/list?n=${TAGS_A_PAGE}`);
  }

  /** @returns false where the list may not be whole */
  async read(): Promise<boolean> {
    let page = await this.#page(this.#first);
    while (page.next === undefined) {
      const following = await this.#following(page);
      if (following === 'unknown') return false;
      if (following === 'none') return true;
      const isShorter = following.tags.length < page.tags.length;
      if (isShorter && following.next === undefined) return true;
      page = following;
    }
    await this.#linked(page, page.next);
    return true;
  }

  /** Reads on after a page without a link: `unknown` where the server does not say whether anything follows. */
  async #following({ tags }: Page): Promise<Page | 'none' | 'unknown'> {
    const last = tags.at(-1);
    if (last === undefined || !USUAL_PAGES.has(tags.length)) return 'none';
    const known = this.tags.size;
    const page = await this.#pageAfter(last);
    if (page === undefined) return 'unknown';
    if (page.next !== undefined || this.tags.size > known) return page;
    // The same page again is of a server that does not look at what it is asked.
    return page.tags.length === tags.length && page.tags.every((tag, index) => tag === tags[index])
      ? 'unknown'
      : 'none';
  }

  /** `undefined` where the server refuses to tell. */
  async #pageAfter(last: string): Promise<Page | undefined> {
    const url = new URL(this.#first);
    url.searchParams.set('last', last);
    if (this.#asked.has(url.href)) throw this.#endless();
    try {
      return await this.#page(url);
    } catch (error) {
      if (isFailure(error, 'registry-error', 'image-unknown', 'forbidden', 'unauthorized')) return undefined;
      throw error;
    }
  }

  /** Goes from a page with a link to the end. A server that gives links gives none with the last page. */
  async #linked(from: Page, link: string): Promise<void> {
    let { url } = from;
    let next: string | undefined = link;
    while (next !== undefined) {
      url = this.#targetOf(next, url);
      if (this.#asked.has(url.href)) throw this.#endless();
      const known = this.tags.size;
      const page: Page = await this.#linkedPage(url);
      next = page.next;
      const isRepeated = page.tags.length > 0 && this.tags.size === known;
      if (next !== undefined && isRepeated) throw this.#endless();
    }
  }

  /** A repository whose list has begun is there. */
  async #linkedPage(url: URL): Promise<Page> {
    try {
      return await this.#page(url);
    } catch (error) {
      if (!isFailure(error, 'image-unknown')) throw error;
      throw unusable(this.#endpoint.reference, 'continues where nothing is');
    }
  }

  /**
   * A registry behind a proxy may know itself by another name, another port, or without TLS: what it says is where on
   * the host that was asked the list continues, and no other host is asked.
   */
  #targetOf(link: string, base: URL): URL {
    const target = URL.canParse(link, base.href) ? new URL(link, base.href) : undefined;
    if (target?.protocol !== 'http:' && target?.protocol !== 'https:')
      throw unusable(this.#endpoint.reference, 'continues at something that is not an address');
    return new URL(`${target.pathname}${target.search}`, base.origin);
  }

  async #page(url: URL): Promise<Page> {
    this.#asked.add(url.href);
    const page = await this.#read(url);
    for (const tag of page.tags) this.#add(tag);
    if (this.#asked.size >= MAXIMUM_PAGES) throw unusable(this.#endpoint.reference, 'does not end');
    return page;
  }

  async #read(url: URL): Promise<Page> {
    const subject = { kind: 'tag list', reference: this.#endpoint.reference } as const;
    const headers = { accept: 'application/json' };
    const request = { ...requestTo(this.#endpoint, subject, url), whole: this.#whole, headers };
    const limit = { bytes: LARGEST_PAGE_BYTES, code: 'registry-error' } as const;
    const name = { what: describeSubject(subject), code: 'registry-error' } as const;
    return await this.#transport.read(request, limit, ({ bytes, header, url: from }) => {
      this.isDirect &&= from.href === url.href;
      const { tags } = checkSchema(pageSchema, parseJson(bytes, name), name);
      return { url, tags: tags ?? [], next: nextLink(header('link') ?? '') };
    });
  }

  #add(name: string): void {
    const { reference } = this.#endpoint;
    // A copy: a part of a text keeps all of it in memory.
    const tag = name.length > MOST_CHARACTERS ? Buffer.from(name.slice(0, MOST_CHARACTERS)).toString() : name;
    if (this.tags.has(tag)) return;
    this.tags.add(tag);
    this.#bytes += Buffer.byteLength(tag);
    if (this.tags.size > MAXIMUM_TAGS) throw unusable(reference, `has more than ${MAXIMUM_TAGS} tags`);
    if (this.#bytes > MAXIMUM_LIST_BYTES)
      throw unusable(reference, `has more than ${MAXIMUM_LIST_BYTES} bytes of tags`);
  }

  #endless(): Failure {
    return unusable(this.#endpoint.reference, `repeats a page after ${this.tags.size} tags`);
  }
}

function unusable(reference: ImageReference, what: string): Failure {
  return registryError(`${describeSubject({ kind: 'tag list', reference })} ${what}`);
}
