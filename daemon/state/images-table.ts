import type { Plan, PublishedImage } from '../../wishlist/meaning/plan.ts';
import type { Keep } from '../../wishlist/recipe/settings.ts';
import { formatPlatform, parsePlatform } from '../../core/oci/platform.ts';
import type { Database, Row, Statements, Value } from './database.ts';
import { numberOf, textOf } from './failure-columns.ts';

/** A layer, with what it weighs in its registry. */
export interface LayerOfImage {
  readonly digest: string;
  readonly bytes: number;
}

/** An image that is in the repository, for one platform. */
export interface NewImage {
  readonly publicName: string;
  /** `linux/amd64` */
  readonly platform: string;
  /** `<registry>/<repository>:<tag>`; `undefined` where only the published name is known. */
  readonly image: string | undefined;
  /** Digest of its config. */
  readonly config: string;
  /** Lowest first. */
  readonly layers: readonly LayerOfImage[];
  /** In ms since 1970; `undefined` where nobody knows. */
  readonly publishedMs: number | undefined;
}

/** What is remembered of an image. */
export interface ImageRow extends Omit<NewImage, 'layers'> {
  readonly layers: number;
  /** Of its layers in the registry. */
  readonly bytes: number;
  readonly unwantedSinceMs: number | undefined;
}

const SELECT = `
  SELECT images.*, count(image_layers.layer) AS layers, coalesce(sum(layers.bytes), 0) AS bytes
  FROM images LEFT JOIN image_layers ON image_layers.image = images.id
  LEFT JOIN layers ON layers.digest = image_layers.layer
  WHERE repository = ? GROUP BY images.id ORDER BY public_name, platform`;

/** What is published. The repository itself knows better: what differs from it here is put right in a cycle. */
export class ImagesTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async of(repository: string): Promise<ImageRow[]> {
    return (await this.#database.all(SELECT, repository)).map(imageOf);
  }

  /** As a plan wants to know it. */
  async published(repository: string): Promise<PublishedImage[]> {
    const rows = await this.#database.all('SELECT * FROM images WHERE repository = ?', repository);
    return rows.map((row) => ({
      publicName: String(row['public_name']),
      platform: parsePlatform(String(row['platform'])),
      digest: String(row['config']),
      keep: keepOf(numberOf(row['keep_days'])),
      unwantedSinceMs: numberOf(row['unwanted_since']),
    }));
  }

  async put(repository: string, images: readonly NewImage[]): Promise<void> {
    await this.#database.transaction(async (statements) => {
      for (const image of images) await put(statements, repository, image);
    });
  }

  /** Makes `images` all that there is in `repository`. What is known of those that stay stays. */
  async replace(repository: string, images: readonly NewImage[], nowMs: number): Promise<void> {
    const names = new Set(images.map(keyOf));
    await this.#database.transaction(async (statements) => {
      await statements.run('INSERT OR IGNORE INTO repositories (name) VALUES (?)', repository);
      await statements.run('UPDATE repositories SET scanned_at = ? WHERE name = ?', nowMs, repository);
      for (const row of await statements.all('SELECT * FROM images WHERE repository = ?', repository)) {
        const key = keyOf({ publicName: String(row['public_name']), platform: String(row['platform']) });
        if (!names.has(key)) await statements.run('DELETE FROM images WHERE id = ?', row['id'] ?? null);
      }
      for (const image of images) await put(statements, repository, image);
      await dropLayers(statements);
    });
  }

  /** Remembers since when what is no longer wanted is not, and how long the rest is to be kept. */
  async setPlan(repository: string, plan: Plan): Promise<void> {
    await this.#database.transaction(async (statements) => {
      const set = async (column: string, value: Value, { publicName, platform }: Named): Promise<void> => {
        await statements.run(
          `UPDATE images SET ${column} = ? WHERE repository = ? AND public_name = ? AND platform = ? AND ${column} IS NOT ?`,
          [value, repository, publicName, formatPlatform(platform), value],
        );
      };
      for (const { published, sinceMs } of plan.remove) await set('unwanted_since', sinceMs, published);
      for (const { image, platform } of [...plan.unchanged, ...plan.update]) {
        const named = { publicName: image.publicName, platform };
        await set('unwanted_since', null, named);
        await set('keep_days', daysOf(image.keep), named);
      }
    });
  }
}

type Named = Pick<PublishedImage, 'publicName' | 'platform'>;

async function put(statements: Statements, repository: string, image: NewImage): Promise<void> {
  const { publicName, platform, config } = image;
  const [row] = await statements.all(
    `INSERT INTO images (repository, public_name, platform, image, config, published_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET image = coalesce(excluded.image, image), config = excluded.config,
     published_at = CASE WHEN config = excluded.config THEN coalesce(excluded.published_at, published_at)
                    ELSE excluded.published_at END
     RETURNING id`,
    [repository, publicName, platform, image.image ?? null, config, image.publishedMs ?? null],
  );
  const id = row?.['id'] ?? null;
  await statements.run('DELETE FROM image_layers WHERE image = ?', id);
  // A statement for each layer of thousands of images would take most of the time.
  const layers = JSON.stringify(image.layers.map(({ digest, bytes }) => [digest, bytes]));
  await statements.run(
    'INSERT OR IGNORE INTO layers SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true',
    layers,
  );
  await statements.run('INSERT INTO image_layers SELECT ?, key, value ->> 0 FROM json_each(?)', id, layers);
}

async function dropLayers(statements: Statements): Promise<void> {
  await statements.run('DELETE FROM layers WHERE digest NOT IN (SELECT layer FROM image_layers)');
}

function keyOf({ publicName, platform }: Pick<NewImage, 'publicName' | 'platform'>): string {
  return `${platform} ${publicName}`;
}

/** For ever is 0 days: a number of days is at least 1. */
function daysOf(keep: Keep | undefined): Value {
  if (keep === undefined) return null;
  return keep === 'forever' ? 0 : keep.days;
}

function keepOf(days: number | undefined): Keep | undefined {
  if (days === undefined) return undefined;
  return days === 0 ? 'forever' : { days };
}

function imageOf(row: Row): ImageRow {
  return {
    publicName: String(row['public_name']),
    platform: String(row['platform']),
    image: textOf(row['image']),
    config: String(row['config']),
    publishedMs: numberOf(row['published_at']),
    layers: Number(row['layers']),
    bytes: Number(row['bytes']),
    unwantedSinceMs: numberOf(row['unwanted_since']),
  };
}
