import type { WishedImage } from '../../wishlist/meaning/wished-image.ts';
import { formatReference } from '../../core/oci/reference.ts';
import type { Database, Row, Statements, Value } from './database.ts';
import { textOf } from './failure-columns.ts';

/** One line that asks for an image. */
export interface WishRow {
  readonly repository: string;
  readonly publicName: string;
  /** `<registry>/<repository>:<tag>` */
  readonly image: string;
  readonly source: string | undefined;
  readonly file: string;
  readonly line: number;
  /** Hash of the commit that it was read from. */
  readonly commit: string | undefined;
  /** Since when somebody asks for the image, in ms since 1970. */
  readonly sinceMs: number;
}

const COLUMNS = 'repository, public_name, position, image, source, file, line, commit_hash, since';

/** Who asks for which image. What the last cycle found. */
export class WishesTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes it the wishes for `repository`, and writes only what changed. */
  async replace(repository: string, images: readonly WishedImage[], nowMs: number): Promise<void> {
    const wanted = new Map(
      images
        .filter((image) => image.repositories.includes(repository))
        .map((image) => [image.publicName, image]),
    );
    await this.#database.transaction(async (statements) => {
      const since = await this.#dropOthers(statements, repository, wanted);
      for (const [publicName, image] of wanted) {
        if (since.get(publicName)?.isSame === true) continue;
        await insert(statements, { repository, image, sinceMs: since.get(publicName)?.ms ?? nowMs });
      }
    });
  }

  /** Takes out what turned out to be nothing to wish for. */
  async drop(repository: string, publicNames: readonly string[]): Promise<void> {
    await this.#database.transaction(async (statements) => {
      for (const name of publicNames)
        await statements.run('DELETE FROM wishes WHERE repository = ? AND public_name = ?', repository, name);
    });
  }

  /** By public name, which image has it: as `formatReference` writes it. */
  async holders(repository: string): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#database.all(
      'SELECT public_name, image FROM wishes WHERE repository = ? AND position = 0',
      repository,
    );
    return new Map(rows.map((row) => [String(row['public_name']), String(row['image'])]));
  }

  async of(repository: string): Promise<WishRow[]> {
    const rows = await this.#database.all(
      'SELECT * FROM wishes WHERE repository = ? ORDER BY public_name, position',
      repository,
    );
    return rows.map(wishOf);
  }

  /** Removes what is wanted in another way or no more; tells since when the names are wanted that stay. */
  async #dropOthers(
    statements: Statements,
    repository: string,
    wanted: ReadonlyMap<string, WishedImage>,
  ): Promise<Map<string, { ms: number; isSame: boolean }>> {
    const before = new Map<string, Row[]>();
    for (const row of await statements.all('SELECT * FROM wishes WHERE repository = ?', repository)) {
      const name = String(row['public_name']);
      before.set(name, [...(before.get(name) ?? []), row]);
    }
    const since = new Map<string, { ms: number; isSame: boolean }>();
    for (const [publicName, rows] of before) {
      const image = wanted.get(publicName);
      const isSame = image !== undefined && keyOf(rows.map(placeOfRow)) === keyOf(placesOf(image));
      if (image !== undefined) since.set(publicName, { ms: Number(rows[0]?.['since']), isSame });
      if (!isSame)
        await statements.run(
          'DELETE FROM wishes WHERE repository = ? AND public_name = ?',
          repository,
          publicName,
        );
    }
    return since;
  }
}

type Place = readonly [image: string, source: Value, file: string, line: number, commit: Value];

async function insert(
  statements: Statements,
  { repository, image, sinceMs }: { repository: string; image: WishedImage; sinceMs: number },
): Promise<void> {
  for (const [position, place] of placesOf(image).entries())
    await statements.run(`INSERT INTO wishes (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
      repository,
      image.publicName,
      position,
      ...place,
      sinceMs,
    ]);
}

function placesOf({ reference, wishes }: WishedImage): Place[] {
  const image = formatReference(reference);
  return wishes.map(({ recipe, wish: { origin, line } }) => [
    image,
    origin?.source ?? null,
    origin?.file ?? recipe.file,
    line,
    origin?.commit?.hash ?? null,
  ]);
}

function placeOfRow(row: Row): Place {
  return [
    String(row['image']),
    row['source'] ?? null,
    String(row['file']),
    Number(row['line']),
    row['commit_hash'] ?? null,
  ];
}

function keyOf(places: readonly Place[]): string {
  return JSON.stringify(places);
}

function wishOf(row: Row): WishRow {
  const [image, , file, line] = placeOfRow(row);
  return {
    repository: String(row['repository']),
    publicName: String(row['public_name']),
    image,
    file,
    line,
    source: textOf(row['source']),
    commit: textOf(row['commit_hash']),
    sinceMs: Number(row['since']),
  };
}
