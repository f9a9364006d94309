import { z } from 'zod';
import type { Keep } from '../../../wishlist/recipe/settings.ts';
import { groupBy } from '../../../core/group-by.ts';
import { longestKeep } from '../../../wishlist/meaning/wished-image.ts';
import { recordAbsence, type Absence, type Sightings } from '../../../wishlist/meaning/absence.ts';
import { isDropped, type ReadSources } from '../../../wishlist/meaning/read-sources.ts';
import { isClockBelieved } from '../../../wishlist/meaning/clock.ts';
import type { HoldCode } from '../../../wishlist/meaning/holds.ts';
import type { Asked, FailureNote, HoldRecord, Removals } from '../state.ts';
import { failureOf, failureValues, nameOf, type Row, Table } from './database.ts';

/** How long an image is kept, as it is stored. */
export const KEEP_FORM: z.ZodType<Keep> = z.union([
  z.literal('forever'),
  z.strictObject({ days: z.number() }),
]);

/** The mark that holds the latest time that the clock showed. */
const CLOCK = 'clock';
const CLOCK_SINCE = 'clock-since';
const CLOCK_JUMPED: HoldCode = 'clock-jumped';

export class RemovalsTable extends Table implements Removals {
  async noteAskers(
    repository: string,
    askers: ReadonlyMap<string, Asked>,
    { read, configured }: ReadSources,
    mayAsk: (names: readonly string[]) => ReadonlySet<string>,
  ): Promise<void> {
    await this.database.transaction(async (statements) => {
      const rows = await statements.all('SELECT * FROM askers WHERE repository = ?', repository);
      const known = new Map(rows.map((row) => [keyOf(nameOf(row), String(row['source'])), row['keep']]));
      for (const [publicName, { sources, keep }] of askers) {
        const kept = keep === undefined ? null : JSON.stringify(keep);
        // Writes only what changed.
        for (const source of sources.filter((one) => known.get(keyOf(publicName, one)) !== kept))
          await statements.run('INSERT OR REPLACE INTO askers VALUES (?, ?, ?, ?)', [
            repository,
            publicName,
            source,
            kept,
          ]);
      }
      const byName = groupBy(rows, nameOf);
      const doubtful = mayAsk([...byName.keys()].filter((name) => !askers.has(name)));
      for (const [publicName, ofName] of byName) {
        if (doubtful.has(publicName)) continue;
        const asking = new Set(askers.get(publicName)?.sources);
        const before = ofName.map((row) => String(row['source']));
        const left = before.filter(
          (source) =>
            !asking.has(source) && (read.has(source) || (asking.size > 0 && isDropped(source, configured))),
        );
        if (left.length === before.length && asking.size === 0) continue;
        for (const source of left)
          await statements.run('DELETE FROM askers WHERE repository = ? AND public_name = ? AND source = ?', [
            repository,
            publicName,
            source,
          ]);
      }
    });
  }

  async askers(repository: string): Promise<ReadonlyMap<string, Asked>> {
    const rows = await this.database.all('SELECT * FROM askers WHERE repository = ?', repository);
    const asked = Array.from(groupBy(rows, nameOf), ([name, ofName]): [string, Asked] => {
      const keeps = ofName.flatMap(({ keep }) =>
        typeof keep === 'string' ? KEEP_FORM.parse(JSON.parse(keep)) : [],
      );
      const sources = ofName.map((row) => String(row['source']));
      return [name, { sources, keep: keeps.reduce<Keep | undefined>(longestKeep, undefined) }];
    });
    return new Map(asked);
  }

  async noteTags(repository: string, { seen, absent }: Sightings, nowMs: number): Promise<void> {
    if (seen.size + absent.size === 0) return;
    await this.database.transaction(async (statements) => {
      const rows = await statements.all('SELECT * FROM absences WHERE repository = ?', repository);
      const known = new Map(rows.map((row) => [nameOf(row), absenceOf(row)]));
      for (const name of [...seen, ...absent]) {
        const previous = known.get(name);
        const now = recordAbsence(previous, seen.has(name) ? 'seen' : 'absent', nowMs);
        if (now !== undefined)
          await statements.run(
            `INSERT INTO absences VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET first = excluded.first, last = excluded.last`,
            [repository, name, now.firstMs, now.lastMs],
          );
        else if (previous !== undefined)
          await statements.run('DELETE FROM absences WHERE repository = ? AND public_name = ?', [
            repository,
            name,
          ]);
      }
    });
  }

  async absences(repository: string): Promise<ReadonlyMap<string, Absence>> {
    const rows = await this.database.all('SELECT * FROM absences WHERE repository = ?', repository);
    return new Map(rows.map((row) => [nameOf(row), absenceOf(row)]));
  }

  async clockMs(): Promise<number | undefined> {
    return await this.mark(CLOCK);
  }

  async setClock(nowMs: number): Promise<void> {
    await this.database.transaction(async (statements) => {
      await statements.run('INSERT OR REPLACE INTO marks VALUES (?, ?)', CLOCK, nowMs);
      await statements.run('INSERT OR IGNORE INTO marks VALUES (?, ?)', CLOCK_SINCE, nowMs);
    });
  }

  async clockSinceMs(): Promise<number | undefined> {
    return await this.mark(CLOCK_SINCE);
  }

  async confirmClock(nowMs: number): Promise<void> {
    if (isClockBelieved(nowMs, await this.clockMs())) await this.setClock(nowMs);
    else await this.database.run(CONFIRM_CLOCK, CLOCK, nowMs, CLOCK_SINCE, nowMs);
  }

  async replaceHolds(repository: string, holds: readonly FailureNote[], nowMs: number): Promise<void> {
    await this.database.transaction(async (statements) => {
      await statements.run(
        'DELETE FROM holds WHERE repository = ? AND code NOT IN (SELECT value FROM json_each(?))',
        [repository, JSON.stringify(holds.map(({ code }) => code))],
      );
      for (const hold of holds)
        await statements.run(
          `INSERT INTO holds VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET message = excluded.message, hint = excluded.hint`,
          [repository, ...failureValues(hold), nowMs],
        );
    });
  }

  async holds(repository: string): Promise<HoldRecord[]> {
    return (await this.database.all(HOLDS, repository)).flatMap(holdOf);
  }

  async confirm(repository: string, nowMs: number): Promise<HoldRecord[]> {
    return await this.database.transaction(async (statements) => {
      const holds = (await statements.all(HOLDS, repository)).flatMap(holdOf);
      await statements.run(
        'UPDATE images SET confirmed = 1 WHERE repository = ? AND hold IS NOT NULL AND hold <> ?',
        [repository, CLOCK_JUMPED],
      );
      if (holds.some(({ code }) => code === CLOCK_JUMPED))
        await statements.run(CONFIRM_CLOCK, [CLOCK, nowMs, CLOCK_SINCE, nowMs]);
      await statements.run('DELETE FROM holds WHERE repository = ?', repository);
      return holds;
    });
  }
}

const CONFIRM_CLOCK = 'INSERT OR REPLACE INTO marks VALUES (?, ?), (?, ?)';
const HOLDS = 'SELECT * FROM holds WHERE repository = ? ORDER BY since, code';

function holdOf(row: Row): HoldRecord[] {
  const failure = failureOf(row);
  return failure === undefined ? [] : [{ ...failure, sinceMs: Number(row['since']) }];
}

function absenceOf(row: Row): Absence {
  return { firstMs: Number(row['first']), lastMs: Number(row['last']) };
}

function keyOf(publicName: string, source: string): string {
  return JSON.stringify([publicName, source]);
}
