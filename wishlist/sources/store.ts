import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hasCode } from '../../core/system-error.ts';
import type { SourceSettings } from './source.ts';
import { orUnusable } from '../../core/system-failure.ts';

const commitSchema = z.object({ hash: z.string(), author: z.string(), date: z.string() });
const contentSchema = z.object({
  identity: z.string(),
  since: z.iso.datetime(),
  files: z.array(z.object({ label: z.string(), text: z.string() })).min(1),
  commit: commitSchema.optional(),
  validators: z.object({ etag: z.string().optional(), lastModified: z.string().optional() }).optional(),
});
const statusSchema = z.object({
  identity: z.string(),
  fetchedAt: z.iso.datetime().optional(),
  failingSince: z.iso.datetime().optional(),
});

/** The last good content of a source, as it is kept on disk. */
export type StoredContent = Omit<z.output<typeof contentSchema>, 'identity'>;

/** How the last tries went. */
export type StoredStatus = Omit<z.output<typeof statusSchema>, 'identity'>;

/**
 * What is remembered of one source, in a folder of its own. What was remembered under the same name for another place
 * does not count, and neither does a file that is damaged.
 */
export class SourceStore {
  /** Where the source may keep what it needs beside. */
  readonly folder: string;
  readonly #identity: string;

  private constructor(folder: string, identity: string) {
    this.folder = folder;
    this.#identity = identity;
  }

  /** @throws Failure `state-unusable`, `disk-full` */
  static async open(directory: string, source: SourceSettings): Promise<SourceStore> {
    const folder = join(directory, digest(source.name).slice(0, 16));
    await orUnusable(
      { path: folder, code: 'state-unusable' },
      async () => await mkdir(folder, { recursive: true, mode: 0o700 }),
    );
    return new SourceStore(folder, identityOf(source));
  }

  async content(): Promise<StoredContent | undefined> {
    return this.#own(await this.#read('content.json', contentSchema));
  }

  async status(): Promise<StoredStatus> {
    return this.#own(await this.#read('status.json', statusSchema)) ?? {};
  }

  /** @throws Failure `state-unusable`, `disk-full` */
  async setContent(content: StoredContent): Promise<void> {
    await this.#write('content.json', content);
  }

  /** @throws Failure `state-unusable`, `disk-full` */
  async setStatus(status: StoredStatus): Promise<void> {
    await this.#write('status.json', status);
  }

  #own<Value extends { readonly identity: string }>(value: Value | undefined): Value | undefined {
    return value?.identity === this.#identity ? value : undefined;
  }

  async #read<Value>(name: string, schema: z.ZodType<Value>): Promise<Value | undefined> {
    const path = join(this.folder, name);
    return await orUnusable({ path, code: 'state-unusable' }, async () => {
      try {
        return schema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
      } catch (error) {
        if (error instanceof SyntaxError || hasCode(error, 'ENOENT')) return undefined;
        throw error;
      }
    });
  }

  /** The file is the old or the new one, whatever happens. */
  async #write(name: string, value: object): Promise<void> {
    const path = join(this.folder, name);
    const part = `${path}.${randomUUID()}`;
    await orUnusable({ path, code: 'state-unusable' }, async () => {
      try {
        await writeFile(part, `${JSON.stringify({ identity: this.#identity, ...value })}\n`, {
          flush: true,
          flag: 'wx',
          mode: 0o600,
        });
        await rename(part, path);
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
    });
  }
}

/** What makes content another one's: the place alone, not how to get there. */
function identityOf(source: SourceSettings): string {
  switch (source.kind) {
    case 'git':
      return digest(JSON.stringify(['git', source.address.url, source.branch ?? null, source.paths]));
    case 'file':
      return digest(JSON.stringify(['file', source.path]));
    case 'url':
      return digest(JSON.stringify(['url', source.url]));
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
