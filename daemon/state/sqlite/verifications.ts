import {
  damageKey,
  type Damage,
  type DamagedImage,
  type KnownDamage,
  type VerifiedImage,
  type Verifications,
} from '../verifications.ts';
import { groupBy } from '../../../core/group-by.ts';
import { redact } from '../../configuration/secrets.ts';
import { type Row, type Value, Table } from './database.ts';

/** Damages stored of one image: a tree that is gone may miss a million files. */
const MOST = 100;

export class VerificationsTable extends Table implements Verifications {
  async record(repository: string, { name, atMs, isDeep, damages }: VerifiedImage): Promise<void> {
    await this.database.transaction(async (statements) => {
      await statements.run('INSERT OR IGNORE INTO repositories (name) VALUES (?)', repository);
      const known = await statements.all(
        'SELECT * FROM damages WHERE repository = ? AND name = ?',
        repository,
        name,
      );
      const staying = isDeep ? [] : known.filter(isOfContent);
      await statements.run(
        `INSERT INTO verifications (repository, name, verified_at, damages) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET verified_at = excluded.verified_at, damages = excluded.damages`,
        [repository, name, atMs, damages.length + staying.length],
      );
      await statements.run(
        'DELETE FROM damages WHERE repository = ? AND name = ? AND (? OR NOT of_content)',
        [repository, name, isDeep ? 1 : 0],
      );
      const sinceMs = new Map(known.map((row) => [damageKey(damageOf(row)), Number(row['since'])]));
      await statements.run(
        `INSERT OR REPLACE INTO damages (repository, name, kind, path, message, of_content, since)
         SELECT ?, ?, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)`,
        [repository, name],
        JSON.stringify(
          damages.slice(0, MOST).map((one) => valuesOf(one, sinceMs.get(damageKey(one)) ?? atMs)),
        ),
      );
    });
  }

  async times(repository: string): Promise<ReadonlyMap<string, number>> {
    const rows = await this.database.all('SELECT * FROM verifications WHERE repository = ?', repository);
    return new Map(rows.map((row) => [String(row['name']), Number(row['verified_at'])]));
  }

  async damaged(repository: string, name?: string): Promise<DamagedImage[]> {
    const rows = await this.database.all(
      `SELECT damages.*, verified_at, verifications.damages AS total FROM damages
       JOIN verifications USING (repository, name) WHERE repository = ?1 AND (?2 IS NULL OR name = ?2)
       ORDER BY name, path, kind`,
      repository,
      name ?? null,
    );
    return [...groupBy(rows, (row) => String(row['name']))].map(([image, ofOne]) => imageOf(image, ofOne));
  }

  async retain(repository: string, names: readonly string[]): Promise<void> {
    await this.database.run(
      'DELETE FROM verifications WHERE repository = ? AND name NOT IN (SELECT value FROM json_each(?))',
      repository,
      JSON.stringify(names),
    );
  }
}

function valuesOf({ kind, path, message, isOfContent: only }: Damage, sinceMs: number): Value[] {
  return [kind, path, redact(message), only ? 1 : 0, sinceMs];
}

function imageOf(name: string, rows: readonly Row[]): DamagedImage {
  const damages = rows.map(damageOf);
  return {
    name,
    damages,
    verifiedMs: Number(rows[0]?.['verified_at']),
    sinceMs: damages.reduce((least, { sinceMs }) => Math.min(least, sinceMs), Infinity),
    count: Math.max(damages.length, Number(rows[0]?.['total'])),
  };
}

function damageOf(row: Row): KnownDamage {
  return {
    kind: String(row['kind']),
    path: String(row['path']),
    message: String(row['message']),
    isOfContent: isOfContent(row),
    sinceMs: Number(row['since']),
  };
}

function isOfContent(row: Row): boolean {
  return row['of_content'] === 1;
}
