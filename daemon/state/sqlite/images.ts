import { z } from 'zod';
import { formatPlatform, parsePlatform } from '../../../core/oci/platform.ts';
import type { HoldCode } from '../../../wishlist/meaning/holds.ts';
import type { Removal } from '../../../wishlist/meaning/removal.ts';
import type { Plan, PublishedImage } from '../../../wishlist/meaning/plan.ts';
import { longestKeep } from '../../../wishlist/meaning/wished-image.ts';
import type { Images, ImageSummary, RecordedImage } from '../state.ts';
import { KEEP_FORM } from './removals.ts';
import { type Row, type Statements, type Value, nameOf, numberOf, Table, textOf } from './database.ts';

const SELECT = `
  SELECT images.*, count(image_layers.layer) AS layers, coalesce(sum(layers.bytes), 0) AS bytes
  FROM images LEFT JOIN image_layers ON image_layers.image = images.id
  LEFT JOIN layers ON layers.digest = image_layers.layer
  WHERE repository = ? GROUP BY images.id ORDER BY public_name, platform`;

export class ImagesTable extends Table implements Images {
  async of(repository: string): Promise<ImageSummary[]> {
    return (await this.database.all(SELECT, repository)).map(imageOf);
  }

  async published(repository: string): Promise<PublishedImage[]> {
    const rows = await this.database.all(
      `SELECT *, (SELECT json_group_array(json_array(source, json(keep))) FROM askers
       WHERE askers.repository = images.repository AND askers.public_name = images.public_name) AS askers
       FROM images WHERE repository = ?`,
      repository,
    );
    return rows.map((row) => {
      const askers = ASKERS.parse(JSON.parse(String(row['askers'])));
      return {
        publicName: nameOf(row),
        platform: parsePlatform(String(row['platform'])),
        digest: String(row['config']),
        keep: askers.map(([, keep]) => keep ?? undefined).reduce(longestKeep, undefined),
        unwantedSinceMs: numberOf(row['unwanted_since']),
        askedBy: askers.map(([source]) => source),
        isConfirmed: row['confirmed'] === 1,
      };
    });
  }

  async layers(): Promise<ReadonlySet<string>> {
    const rows = await this.database.all('SELECT DISTINCT layer FROM image_layers');
    return new Set(rows.map((row) => String(row['layer'])));
  }

  async put(repository: string, images: readonly RecordedImage[]): Promise<void> {
    await this.database.transaction(async (statements) => {
      for (const image of images) await put(statements, repository, image);
    });
  }

  async replace(repository: string, images: readonly RecordedImage[], nowMs: number): Promise<void> {
    const names = new Set(images.map(keyOf));
    await this.database.transaction(async (statements) => {
      await statements.run('INSERT OR IGNORE INTO repositories (name) VALUES (?)', repository);
      await statements.run('UPDATE repositories SET scanned_at = ? WHERE name = ?', nowMs, repository);
      for (const row of await statements.all('SELECT * FROM images WHERE repository = ?', repository)) {
        const key = keyOf({ publicName: nameOf(row), platform: String(row['platform']) });
        if (!names.has(key)) await statements.run('DELETE FROM images WHERE id = ?', row['id'] ?? null);
      }
      for (const image of images) await put(statements, repository, image);
      await statements.run('DELETE FROM layers WHERE digest NOT IN (SELECT layer FROM image_layers)');
    });
  }

  async setPlan(
    repository: string,
    plan: Plan,
    held: ReadonlyMap<Removal, HoldCode> = new Map(),
  ): Promise<void> {
    const { unchanged, update, unknown, remove, kept } = plan;
    await this.database.transaction(async (statements) => {
      const set = async (values: Changes, { publicName, platform }: Named): Promise<void> => {
        const columns = Object.keys(values);
        await statements.run(
          `UPDATE images SET ${columns.map((column) => `${column} = ?`).join(', ')}
           WHERE repository = ? AND public_name = ? AND platform = ?
           AND (${columns.map((column) => `${column} IS NOT ?`).join(' OR ')})`,
          Object.values(values),
          [repository, publicName, formatPlatform(platform), ...Object.values(values)],
        );
      };
      for (const removal of remove) {
        const { published, reason, sinceMs, dueMs } = removal;
        const hold = held.get(removal) ?? null;
        await set({ unwanted_since: sinceMs, reason, due: dueMs ?? null, hold }, published);
      }
      for (const { published } of unknown) {
        if (published === undefined) continue;
        const { unwantedSinceMs } = published;
        await set({ ...NOT_PLANNED, unwanted_since: unwantedSinceMs ?? null }, published);
      }
      for (const one of kept) await set(WANTED, one);
      for (const { image, platform } of [...unchanged, ...update]) {
        const named = { publicName: image.publicName, platform };
        await set(WANTED, named);
      }
    });
  }

  async remove(
    repository: string,
    images: readonly Pick<RecordedImage, 'publicName' | 'platform'>[],
  ): Promise<void> {
    await this.database.transaction(async (statements) => {
      for (const { publicName, platform } of images)
        await statements.run('DELETE FROM images WHERE repository = ? AND public_name = ? AND platform = ?', [
          repository,
          publicName,
          platform,
        ]);
    });
  }
}

type Changes = Readonly<Record<string, Value>>;

/** Of an image whose removal is not planned: since when nobody asks for it may still be known. */
const NOT_PLANNED: Changes = { reason: null, due: null, hold: null };

const WANTED: Changes = { ...NOT_PLANNED, unwanted_since: null, confirmed: 0 };

const ASKERS = z.array(z.tuple([z.string(), KEEP_FORM.nullable()]));

type Named = Pick<PublishedImage, 'publicName' | 'platform'>;

async function put(statements: Statements, repository: string, image: RecordedImage): Promise<void> {
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

function keyOf({ publicName, platform }: Pick<RecordedImage, 'publicName' | 'platform'>): string {
  return `${platform} ${publicName}`;
}

function imageOf(row: Row): ImageSummary {
  return {
    publicName: nameOf(row),
    platform: String(row['platform']),
    image: textOf(row['image']),
    config: String(row['config']),
    publishedMs: numberOf(row['published_at']),
    layers: Number(row['layers']),
    bytes: Number(row['bytes']),
    unwantedSinceMs: numberOf(row['unwanted_since']),
    reason: textOf(row['reason']),
    dueMs: numberOf(row['due']),
    hold: textOf(row['hold']),
  };
}
