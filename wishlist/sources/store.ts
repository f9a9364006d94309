import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { orUnusable } from '../../core/system-failure.ts';
import type { Fetched, WishlistSource } from './source.ts';
import { readIfThere, writeWhole } from '../../core/system/files.ts';
import { parseIfValid } from '../../core/json.ts';

/** Fields of content.json beside the content itself. */
const headSchema = z.object({
  identity: z.string(),
  since: z.iso.datetime(),
  validators: z.object({ etag: z.string().optional(), lastModified: z.string().optional() }).optional(),
});
const statusSchema = z.object({
  identity: z.string(),
  fetchedAt: z.iso.datetime().optional(),
  failingSince: z.iso.datetime().optional(),
});

/** The last good content of a source, as kept on disk. */
export interface StoredContent<Content> extends Fetched<Content> {
  readonly since: string;
}

/** The outcome of the last tries. */
export type StoredStatus = Omit<z.output<typeof statusSchema>, 'identity'>;

/**
 * Keeps the content and status of one source, in its own folder. Neither counts where the folder was another place's
 * of the same name, or the file is damaged.
 */
export class SourceStore<Content extends object> {
  /** For files that the source keeps beside its content. */
  readonly folder: string;
  readonly #form: WishlistSource<Content>['form'];
  readonly #identity: string;

  private constructor(folder: string, { form, identity }: WishlistSource<Content>) {
    this.folder = folder;
    this.#form = form;
    this.#identity = digest(JSON.stringify(identity));
  }

  /** @throws Failure `state-unusable`, `disk-full` */
  static async open<Content extends object>(
    directory: string,
    source: WishlistSource<Content>,
  ): Promise<SourceStore<Content>> {
    const folder = join(directory, digest(source.name).slice(0, 16));
    await orUnusable(
      { path: folder, code: 'state-unusable' },
      async () => await mkdir(folder, { recursive: true, mode: 0o700 }),
    );
    return new SourceStore(folder, source);
  }

  async content(): Promise<StoredContent<Content> | undefined> {
    const stored = await this.#read('content.json');
    const head = headSchema.safeParse(stored).data;
    const content = this.#form.safeParse(stored).data;
    if (content === undefined || head?.identity !== this.#identity) return undefined;
    return { content, validators: head.validators, since: head.since };
  }

  async status(): Promise<StoredStatus> {
    const status = statusSchema.safeParse(await this.#read('status.json')).data;
    if (status?.identity !== this.#identity) return {};
    const { fetchedAt, failingSince } = status;
    return { fetchedAt, failingSince };
  }

  /** @throws Failure `state-unusable`, `disk-full` */
  async setContent({ content, validators, since }: StoredContent<Content>): Promise<void> {
    await this.#write('content.json', { ...content, validators, since });
  }

  /** @throws Failure `state-unusable`, `disk-full` */
  async setStatus(status: StoredStatus): Promise<void> {
    await this.#write('status.json', status);
  }

  /** `undefined` where there is no such file, or it is not JSON. */
  async #read(name: string): Promise<unknown> {
    const path = join(this.folder, name);
    return await orUnusable({ path, code: 'state-unusable' }, async (): Promise<unknown> => {
      const bytes = await readIfThere(path);
      return bytes === undefined ? undefined : parseIfValid(z.unknown(), bytes);
    });
  }

  /** The file is the old or the new one, whatever happens. */
  async #write(name: string, value: object): Promise<void> {
    const path = join(this.folder, name);
    const text = `${JSON.stringify({ identity: this.#identity, ...value })}\n`;
    await orUnusable({ path, code: 'state-unusable' }, async () => await writeWhole(path, text));
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
