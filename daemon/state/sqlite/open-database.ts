import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, hasCode } from '../../../core/system-error.ts';
import { Failure } from '../../../core/failure.ts';
import { counted, quoted } from '../../../core/text.ts';
import { orUnusable } from '../../../core/system-failure.ts';
import { BUSY_MS, Damaged, Database, type Statements } from './database.ts';
import { MIGRATIONS } from './migrations.ts';
import { closeToOthers, databaseFiles, makeFileOfOwner } from '../state-files.ts';
import { renameDurablySync } from '../../../core/system/files.ts';

const RETRY_MS = 20;

export interface Opening {
  /** Called with repairs and upgrades. */
  readonly warn: (message: string) => void;
  readonly now?: () => Date;
  readonly migrations?: readonly string[];
}

/**
 * Opens the database at `path` in the newest form. One that is damaged is put aside, and an empty one takes its place;
 * before an older form is changed, a copy of it is made.
 *
 * @throws Failure `state-unusable`, `disk-full`
 */
export async function openDatabase(path: string, opening: Opening): Promise<Database> {
  const folder = dirname(path);
  const code = 'state-unusable';
  await orUnusable({ path: folder, code }, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
  const found = await orUnusable({ path, code }, () => inodeOf(path));
  try {
    return await openSound(path, opening);
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
    // Another process may have moved it away already: the new one then has connections.
    if (inodeOf(path) === found) {
      const aside = putAside(path, opening);
      opening.warn(`${error.message}; it was moved to ${aside}, and the repositories are scanned again`);
    }
    return await openSound(path, opening);
  }
}

/** Identifies the file at `path`, to notice when another takes its place; `undefined` if there is none. */
export function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/**
 * Opens the database at `path` only to read it; where there is none it is an empty one in memory. Nothing is made,
 * changed or put aside.
 *
 * @throws Failure `state-unusable`
 */
export async function readDatabase(path: string, migrations = MIGRATIONS): Promise<Database> {
  if (!isThere(path)) return await emptyDatabase(path, migrations);
  try {
    return await openToRead(path, migrations);
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
    // Somebody may have begun to write when it looked as if nobody did.
    return await openToRead(path, migrations);
  }
}

async function openToRead(path: string, migrations: readonly string[]): Promise<Database> {
  const database = await Database.openToRead(path);
  try {
    const version = await database.alone(versionOf);
    // Who makes it gives it a form with its first statement.
    if (version === 0) return await emptyDatabase(path, migrations);
    if (version > migrations.length) throw tooNew(path, version, migrations.length);
    if (version === migrations.length) return database;
    throw new Failure(
      'state-unusable',
      `the database ${quoted(path)} has schema ${version}, which an earlier version of unpackd made`,
      { hint: `restart the daemon: it upgrades the database to schema ${migrations.length}` },
    );
  } catch (error) {
    await database.close().catch(() => undefined);
    throw error;
  }
}

async function emptyDatabase(path: string, migrations: readonly string[]): Promise<Database> {
  const database = await Database.open(':memory:');
  await database.alone(async (statements) => {
    await migrate(statements, path, { migrations, warn: () => undefined });
  });
  return database;
}

/** @throws Failure `state-unusable` where this user may not look */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (hasCode(error, 'ENOTDIR')) return false;
    const message = `the database ${quoted(path)} cannot be read: ${String(codeOf(error))}`;
    const hint = 'ask as the user of unpackd, or as root';
    throw new Failure('state-unusable', message, { hint, cause: error });
  }
}

async function openSound(path: string, opening: Opening): Promise<Database> {
  await orUnusable({ path, code: 'state-unusable' }, () => {
    for (const file of databaseFiles(path)) closeToOthers(file);
    makeFileOfOwner(path, dirname(path));
  });
  const database = await Database.open(path);
  try {
    await database.alone(async (statements) => {
      await useWal(statements);
      await statements.script('PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
      await checkIntegrity(statements, path);
      await migrate(statements, path, opening);
    });
    return database;
  } catch (error) {
    await database.close().catch(() => undefined);
    throw error;
  }
}

/** @see https://www.sqlite.org/pragma.html#pragma_quick_check */
async function checkIntegrity(statements: Statements, path: string): Promise<void> {
  const [row] = await statements.all('PRAGMA quick_check(1)');
  const said = Object.values(row ?? {})[0];
  if (said !== 'ok') throw new Damaged(path, String(said));
  const broken = await statements.all('PRAGMA foreign_key_check');
  if (broken.length > 0) throw new Damaged(path, counted(broken.length, 'dangling reference'));
}

async function migrate(
  statements: Statements,
  path: string,
  { migrations = MIGRATIONS, warn }: Opening,
): Promise<void> {
  const version = await versionOf(statements);
  if (version > migrations.length) throw tooNew(path, version, migrations.length);
  if (version === migrations.length) return;
  if (version > 0) {
    const copy = `${path}.form${version}`;
    if (!existsSync(copy)) await copyForm(statements, version, copy);
    warn(
      `upgrading the database from schema ${version} to ${migrations.length}; a copy of the old one is ${copy}`,
    );
  }
  await statements.run('BEGIN IMMEDIATE');
  try {
    // Another process may have upgraded it since.
    const now = await versionOf(statements);
    for (const [index, script] of migrations.entries()) if (index >= now) await statements.script(script);
    await statements.script(`PRAGMA user_version = ${migrations.length}; COMMIT`);
  } catch (error) {
    await statements.run('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

function tooNew(path: string, version: number, known: number): Failure {
  return new Failure(
    'state-unusable',
    `database schema ${version} of ${quoted(path)} is newer than this unpackd supports (${known})`,
    { hint: 'use the newer unpackd that made it, or move the file away to have a new one made' },
  );
}

/** Names the copy only once complete. If another process upgraded in between, it made one. */
async function copyForm(statements: Statements, version: number, copy: string): Promise<void> {
  const unfinished = `${copy}.${randomUUID()}`;
  try {
    await statements.run('VACUUM INTO ?', unfinished);
    chmodSync(unfinished, 0o600);
    if ((await versionOf(statements)) === version) renameDurablySync(unfinished, copy);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

async function versionOf(statements: Statements): Promise<number> {
  const [row] = await statements.all('PRAGMA user_version');
  return Number(row?.['user_version']);
}

function putAside(path: string, { now = () => new Date() }: Opening): string {
  const aside = `${path}.damaged-${now().toISOString().replaceAll(':', '')}`;
  for (const file of databaseFiles(path))
    if (existsSync(file)) renameSync(file, `${aside}${file.slice(path.length)}`);
  return aside;
}

/** Tries again where another connection changes the mode at the same time: SQLite does not wait then. */
async function useWal(statements: Statements): Promise<void> {
  const untilMs = performance.now() + BUSY_MS;
  for (;;) {
    try {
      await statements.script('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (!hasCode(error, 'SQLITE_BUSY') || performance.now() > untilMs) throw error;
      await sleep(RETRY_MS);
    }
  }
}
