import { isFailure } from '../../core/failure.ts';
import { TimeLimit } from '../../core/http/time-limit.ts';
import type { Transport } from '../../core/http/transport.ts';
import { sha256 } from '../../core/oci/digest.ts';
import type { ImageReference } from '../../core/oci/reference.ts';
import type { Endpoints, EndpointTry } from './endpoints.ts';
import { ManifestUnknown } from './error-response.ts';
import { LARGEST_MANIFEST_BYTES, manifestRequest } from './manifest/manifest-fetcher.ts';
import type { RegistryOptions } from './options.ts';
import { listTags } from './tag-list.ts';

/** Whether a registry has a tag: `gone` only where it surely has not. */
export type Presence = 'there' | 'gone' | 'unsure';

/** Of a manifest that nobody has. */
const NOBODYS = sha256(Buffer.from('unpackd asks for a manifest that nobody has'));

/**
 * Finds out whether tags are still there. A tag is gone only where three answers agree, each whole, from the registry itself,
 * and to the credentials that are configured, if any:
 *
 * - to a GET of its manifest, 404 for `MANIFEST_UNKNOWN`, or for no reason;
 * - the list of the repository's tags, which lacks it. A registry that came up without its storage has no list;
 * - to a GET of a manifest that nobody has, the same 404. A pull-through cache answers 5xx: what it has not, its origin may
 *   have.
 *
 * @see OCI distribution specification 1.1, "Pulling manifests"
 */
export class TagPresence {
  readonly #transport: Transport;
  readonly #endpoints: Endpoints;
  readonly #options: Pick<RegistryOptions, 'credentials' | 'listTimeoutMs' | 'lookTimeoutMs'>;

  constructor(
    transport: Transport,
    endpoints: Endpoints,
    options: Pick<RegistryOptions, 'credentials' | 'listTimeoutMs' | 'lookTimeoutMs'>,
  ) {
    this.#transport = transport;
    this.#endpoints = endpoints;
    this.#options = options;
  }

  /**
   * The presence of each of `tags`. Whatever the registry fails with, that and all further tags are `unsure`.
   *
   * @throws Failure `interrupted`
   */
  async of(reference: ImageReference, tags: readonly string[]): Promise<ReadonlyMap<string, Presence>> {
    const found = new Map<string, Presence>(tags.map((tag) => [tag, 'unsure']));
    try {
      await this.#find(reference, found);
    } catch (error) {
      if (!isFailure(error) || error.code === 'interrupted') throw error;
    }
    return found;
  }

  async #find(reference: ImageReference, found: Map<string, Presence>): Promise<void> {
    const whole = new TimeLimit(this.#options.lookTimeoutMs);
    const lacking: string[] = [];
    for (const tag of found.keys()) {
      const answer = await this.#manifest({ ...reference, tag, digest: undefined }, whole);
      if (answer === 'there') found.set(tag, 'there');
      else if (answer === 'lacking') lacking.push(tag);
    }
    if (lacking.length === 0) return;
    const nobodys = { ...reference, tag: undefined, digest: NOBODYS };
    if ((await this.#manifest(nobodys, whole)) !== 'lacking') return;
    const listed = await this.#listed(reference);
    for (const tag of lacking) if (listed?.has(tag) === false) found.set(tag, 'gone');
  }

  /** `lacking` where the registry surely says so. @throws Failure for other answers */
  async #manifest(
    reference: ImageReference,
    whole: TimeLimit,
  ): Promise<'there' | 'lacking' | 'unsure' | undefined> {
    return await this.#endpoints.askRegistry(reference, 'manifest', async (endpoint) => {
      const request = { ...manifestRequest(endpoint), whole };
      const limit = { bytes: LARGEST_MANIFEST_BYTES, code: 'manifest-invalid' } as const;
      const { status } = await this.#transport.head({ ...request, accepts: 'refusals' });
      // It costs nothing of a limit on pulls; why a registry refuses, only a GET says.
      if (status === 200) return 'there';
      try {
        return await this.#transport.read(request, limit, () => 'there' as const);
      } catch (error) {
        if (!(error instanceof ManifestUnknown)) throw error;
        const isSure = error.isPlain && (await this.#isAsConfigured(endpoint, error.credentials));
        return isSure ? 'lacking' : 'unsure';
      }
    });
  }

  /** The tags of the repository; `undefined` where the list may not be all of them. */
  async #listed(reference: ImageReference): Promise<ReadonlySet<string> | undefined> {
    return await this.#endpoints.askRegistry(reference, 'tag list', async (endpoint) => {
      const { tags, isWhole, isDirect } = await listTags(
        this.#transport,
        endpoint,
        this.#options.listTimeoutMs,
      );
      const isAsConfigured = await this.#isAsConfigured(endpoint, endpoint.authorization.origin());
      return isWhole && isDirect && isAsConfigured ? new Set(tags) : undefined;
    });
  }

  /** Somebody without the configured credentials may see less. @param origin of those that were sent */
  async #isAsConfigured({ endpoint, repository }: EndpointTry, origin: string | undefined): Promise<boolean> {
    const configured = await this.#options.credentials(endpoint.host, repository);
    return configured?.origin === origin;
  }
}
