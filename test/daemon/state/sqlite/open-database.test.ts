import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Database, type Statements } from '../../../../daemon/state/sqlite/database.ts';
import { openDatabase } from '../../../../daemon/state/sqlite/open-database.ts';
import { isFailure } from '../../../../core/failure.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { needsRoot } from '../../../support/programs.ts';
import { openState } from '../../../../daemon/state/open-state.ts';

const FIRST = 'CREATE TABLE images (name TEXT PRIMARY KEY)';
const SECOND = 'ALTER TABLE images ADD COLUMN bytes INTEGER NOT NULL DEFAULT 7';

describe('daemon/state/sqlite/open-database', () => {
  let path: string;
  let warnings: string[];

  beforeEach(async () => {
    path = join(await temporaryDirectory('state'), 'below', 'unpackd.db');
    warnings = [];
  });

  async function open(...migrations: readonly string[]): Promise<Database> {
    return await openDatabase(path, { warn: (message) => void warnings.push(message), migrations });
  }

  it('makes one, in a folder of its own, and finds it again', async () => {
    const database = await open(FIRST);
    await database.transaction(
      async (statements) => await statements.run('INSERT INTO images VALUES (?)', 'a'),
    );
    await database.close();
    const again = await open(FIRST);
    assert.deepEqual(await again.all('SELECT name FROM images'), [{ name: 'a' }]);
    assert.deepEqual(await again.all('PRAGMA foreign_keys'), [{ foreign_keys: 1 }]);
    await again.close();
    assert.deepEqual(warnings, []);
  });

  it('changes an older form, with a copy of it', async () => {
    const old = await open(FIRST);
    await old.transaction(async (statements) => await statements.run('INSERT INTO images VALUES (?)', 'a'));
    await old.close();
    const database = await open(FIRST, SECOND);
    assert.deepEqual(await database.all('SELECT * FROM images'), [{ name: 'a', bytes: 7 }]);
    await database.close();
    const copy = await Database.open(`${path}.form1`);
    assert.deepEqual(await copy.all('SELECT * FROM images'), [{ name: 'a' }]);
    await copy.close();
    assert.equal(warnings.length, 1);
  });

  it('leaves an older form as it is where it cannot be changed', async () => {
    await (await open(FIRST)).close();
    await assert.rejects(open(FIRST, `${SECOND}; CREATE TABLE images (again TEXT)`));
    const database = await open(FIRST);
    assert.deepEqual(await database.all('SELECT * FROM images'), []);
    await database.close();
  });

  it('refuses a newer form, and leaves it alone', async () => {
    await (await open(FIRST, SECOND)).close();
    const before = await readFile(path);
    await assert.rejects(open(FIRST), (error) => isFailure(error, 'state-unusable'));
    assert.deepEqual(await readFile(path), before);
  });

  /** What of a damaged database lies aside: the ends of the names. */
  function aside(): string[] {
    const names = readdirSync(join(path, '..')).filter((name) => name.includes('.damaged-'));
    return names.map((name) => name.replace(/^.*Z/, '')).sort();
  }

  it('puts a damaged one aside, with what lies beside it', async () => {
    const before = await open(FIRST);
    await before.transaction(
      async (statements) => await statements.run('INSERT INTO images VALUES (?)', 'a'),
    );
    await before.all('PRAGMA wal_checkpoint(TRUNCATE)');
    await writeFile(path, 'no database at all, over many bytes. '.repeat(100));
    const database = await open(FIRST);
    assert.deepEqual(await database.all('SELECT * FROM images'), []);
    await database.close();
    assert.deepEqual(aside(), ['', '-shm', '-wal']);
    assert.equal(warnings.length, 1);
    await before.close().catch(() => undefined);
  });

  it('puts a damaged one aside once, whoever opens it at the same time, and all have the same new one', async () => {
    const old = await open(FIRST);
    await old.close();
    const rubbish = 'no database '.repeat(1000);
    await writeFile(path, rubbish);
    const all = await Promise.all(Array.from({ length: 4 }, async () => await open(FIRST)));
    for (const [index, database] of all.entries()) {
      const insert = async (statements: Statements): Promise<void> =>
        await statements.run('INSERT INTO images VALUES (?)', `image ${index}`);
      await database.transaction(insert);
    }
    for (const database of all)
      assert.deepEqual(await database.all('SELECT count(*) AS count FROM images'), [{ count: 4 }]);
    for (const database of all) await database.close();
    assert.equal(warnings.length, 1, warnings.join('\n'));
    const aside = readdirSync(join(path, '..')).find((name) => /\.damaged-.*Z$/.test(name)) ?? '';
    assert.equal(await readFile(join(path, '..', aside), 'utf8'), rubbish);
  });

  it('takes one for damaged whose pages are mixed up', async () => {
    const database = await open(FIRST);
    await database.transaction(async (statements) => {
      for (let row = 0; row < 500; row++)
        await statements.run('INSERT INTO images VALUES (?)', `${row}`.padEnd(100, 'x'));
    });
    await database.close();
    const bytes = await readFile(path);
    await writeFile(path, Buffer.concat([bytes.subarray(0, 8192), Buffer.alloc(bytes.length - 8192, 'x')]));
    await (await open(FIRST)).close();
    assert.deepEqual(aside(), ['']);
  });

  it('takes one for damaged whose rows refer to others that are not there', async () => {
    const references = 'CREATE TABLE layers (image TEXT REFERENCES images)';
    const database = await open(FIRST, references);
    await database.alone(async (statements) => {
      await statements.script("PRAGMA foreign_keys = OFF; INSERT INTO layers VALUES ('none')");
    });
    await database.close();
    const again = await open(FIRST, references);
    assert.deepEqual(await again.all('SELECT * FROM layers'), []);
    await again.close();
    assert.deepEqual([aside(), warnings.length], [[''], 1]);
  });

  it('makes one form after the other where several were missed, also for two at the same time', async () => {
    await (await open(FIRST)).close();
    const third = 'ALTER TABLE images ADD COLUMN note TEXT';
    const both = await Promise.all([open(FIRST, SECOND, third), open(FIRST, SECOND, third)]);
    await both[0].transaction(
      async (statements) => await statements.run("INSERT INTO images (name) VALUES ('a')"),
    );
    assert.deepEqual(await both[1].all('SELECT * FROM images'), [{ name: 'a', bytes: 7, note: null }]);
    for (const database of both) await database.close();
    const copies = readdirSync(join(path, '..')).filter((name) => name.includes('.form'));
    assert.deepEqual(copies, ['unpackd.db.form1']);
    const copy = await Database.open(`${path}.form1`);
    assert.deepEqual(await copy.all('PRAGMA user_version'), [{ user_version: 1 }]);
    await copy.close();
  });

  it('says so where an ordinary user may not write there', async function () {
    needsRoot(this);
    const folder = await temporaryDirectory('locked');
    path = join(folder, 'unpackd.db');
    process.seteuid?.(65_534);
    try {
      await assert.rejects(open(FIRST), (error) => isFailure(error, 'state-unusable'));
      path = join(folder, 'below', 'unpackd.db');
      await assert.rejects(open(FIRST), (error) => isFailure(error, 'state-unusable'));
    } finally {
      process.seteuid?.(0);
    }
    assert.deepEqual(readdirSync(folder), []);
  });

  it('waits for another process that locks it, then says so', async function () {
    await (await open(FIRST)).close();
    const other = await Database.open(path);
    await other.alone(async (statements) => await statements.script('BEGIN EXCLUSIVE'));
    const mine = await Database.open(path);
    await assert.rejects(
      mine.transaction(async (statements) => await statements.run('INSERT INTO images VALUES (?)', 'b')),
      (error) => isFailure(error, 'state-unusable'),
    );
    await other.alone(async (statements) => await statements.script('ROLLBACK'));
    await mine.transaction(async (statements) => await statements.run('INSERT INTO images VALUES (?)', 'b'));
    await mine.close();
    await other.close();
  });

  it('keeps the statements of transactions apart, and nothing of one that failed', async () => {
    const database = await open(FIRST);
    const insert = async (name: string, isBad: boolean): Promise<void> =>
      await database.transaction(async (statements) => {
        await statements.run('INSERT INTO images VALUES (?)', `${name}1`);
        await new Promise((resolve) => setImmediate(resolve));
        if (isBad) throw new Error('bad');
        await statements.run('INSERT INTO images VALUES (?)', `${name}2`);
      });
    const all = await Promise.allSettled([insert('a', false), insert('b', true), insert('c', false)]);
    assert.deepEqual(
      all.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    const rows = await database.all('SELECT name FROM images ORDER BY name');
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['a1', 'a2', 'c1', 'c2'],
    );
    await database.close();
  });

  it('notices that the file has gone', async () => {
    const directory = await temporaryDirectory('state');
    const state = await openState(directory, assert.fail);
    assert.equal(state.isThere, true);
    await rm(join(directory, 'unpackd.db'));
    assert.equal(state.isThere, false);
    await state.close();
    assert.equal(existsSync(join(directory, 'unpackd.db')), false);
  });
});
