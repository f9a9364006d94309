import { isDeepStrictEqual } from 'node:util';
import { groupBy } from '../../../core/group-by.ts';
import { formatReference } from '../../../core/oci/reference.ts';
import type { WishedImage } from '../../../wishlist/meaning/wished-image.ts';
import type { SourceState } from '../../../wishlist/sources/source.ts';
import type { RejectedLine, SourceRecord, Sources, Wishes, WishRecord } from '../state.ts';
import {
  type Row,
  type Statements,
  type Value,
  failureOf,
  failureValues,
  nameOf,
  Table,
  textOf,
} from './database.ts';

export class SourcesTable extends Table implements Sources {
  async replace(states: readonly SourceState[]): Promise<void> {
    await this.database.transaction(async (statements) => {
      await statements.run('DELETE FROM sources');
      for (const [position, { name, content, fetchedAt, failure, failingSince }] of states.entries()) {
        const { commit, since } = content ?? {};
        await statements.run(
          'INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
          [name, position, commit?.hash ?? null, commit?.author ?? null, commit?.date ?? null],
          [since ?? null, fetchedAt ?? null, ...failureValues(failure), failingSince ?? null],
        );
      }
    });
  }

  async all(): Promise<SourceRecord[]> {
    return (await this.database.all('SELECT * FROM sources ORDER BY position')).map(sourceOf);
  }

  async replaceLines(lines: readonly RejectedLine[]): Promise<void> {
    await this.database.transaction(async (statements) => {
      await statements.run('DELETE FROM lines');
      for (const [position, { text, failure }] of lines.entries())
        await statements.run(
          'INSERT INTO lines VALUES (?, ?, ?, ?, ?)',
          [position, text],
          failureValues(failure),
        );
    });
  }

  async lines(): Promise<RejectedLine[]> {
    const rows = await this.database.all('SELECT * FROM lines ORDER BY position');
    return rows.flatMap((row) => {
      const failure = failureOf(row);
      return failure === undefined ? [] : [{ text: String(row['image']), failure }];
    });
  }
}

const INSERT = `
  INSERT INTO wishes (repository, public_name, position, image, source, file, line, commit_hash, since)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export class WishesTable extends Table implements Wishes {
  /** Writes only what changed. */
  async replace(repository: string, images: readonly WishedImage[], nowMs: number): Promise<void> {
    const wanted = new Map(
      images
        .filter((image) => image.repositories.includes(repository))
        .map((image) => [image.publicName, image]),
    );
    await this.database.transaction(async (statements) => {
      const since = await this.#dropOthers(statements, repository, wanted);
      for (const [publicName, image] of wanted) {
        const { ms = nowMs, isSame = false } = since.get(publicName) ?? {};
        if (isSame) continue;
        for (const [position, place] of placesOf(image).entries())
          await statements.run(INSERT, [repository, publicName, position, ...place, ms]);
      }
    });
  }

  async drop(repository: string, publicNames: readonly string[]): Promise<void> {
    await this.deleteNames('wishes', repository, publicNames);
  }

  async holders(repository: string): Promise<ReadonlyMap<string, string>> {
    const rows = await this.database.all(
      'SELECT public_name, image FROM wishes WHERE repository = ? AND position = 0',
      repository,
    );
    return new Map(rows.map((row) => [nameOf(row), String(row['image'])]));
  }

  async of(repository: string): Promise<WishRecord[]> {
    const rows = await this.database.all(
      'SELECT * FROM wishes WHERE repository = ? ORDER BY public_name, position',
      repository,
    );
    return rows.map(wishOf);
  }

  /** Removes wishes that changed or are gone. @returns since when the remaining names are wanted */
  async #dropOthers(
    statements: Statements,
    repository: string,
    wanted: ReadonlyMap<string, WishedImage>,
  ): Promise<Map<string, { ms: number; isSame: boolean }>> {
    const before = await statements.all('SELECT * FROM wishes WHERE repository = ?', repository);
    const since = new Map<string, { ms: number; isSame: boolean }>();
    for (const [publicName, rows] of groupBy(before, nameOf)) {
      const image = wanted.get(publicName);
      const isSame = image !== undefined && isDeepStrictEqual(rows.map(placeOfRow), placesOf(image));
      if (image !== undefined) since.set(publicName, { ms: Number(rows[0]?.['since']), isSame });
      if (!isSame)
        await statements.run('DELETE FROM wishes WHERE repository = ? AND public_name = ?', [
          repository,
          publicName,
        ]);
    }
    return since;
  }
}

type WishPlace = readonly [image: string, source: Value, file: string, line: number, commit: Value];

function placesOf({ reference, wishes }: WishedImage): WishPlace[] {
  const image = formatReference(reference);
  return wishes.map(({ recipe, wish: { origin, line } }) => [
    image,
    origin?.source ?? null,
    origin?.file ?? recipe.file,
    line,
    origin?.commit?.hash ?? null,
  ]);
}

function placeOfRow(row: Row): WishPlace {
  return [
    String(row['image']),
    row['source'] ?? null,
    String(row['file']),
    Number(row['line']),
    row['commit_hash'] ?? null,
  ];
}

function wishOf(row: Row): WishRecord {
  const [image, , file, line] = placeOfRow(row);
  return {
    repository: String(row['repository']),
    publicName: nameOf(row),
    image,
    file,
    line,
    source: textOf(row['source']),
    commit: textOf(row['commit_hash']),
    sinceMs: Number(row['since']),
  };
}

function sourceOf(row: Row): SourceRecord {
  const [hash, author, date] = [row['commit_hash'], row['commit_author'], row['commit_date']].map(textOf);
  return {
    name: String(row['name']),
    commit: hash === undefined ? undefined : { hash, author: author ?? '', date: date ?? '' },
    since: textOf(row['since']),
    fetchedAt: textOf(row['fetched_at']),
    failure: failureOf(row),
    failingSince: textOf(row['failing_since']),
  };
}
