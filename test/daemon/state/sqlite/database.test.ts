import assert from 'node:assert/strict';
import { copyFile, mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Damaged, databaseFailure, Database } from '../../../../daemon/state/sqlite/database.ts';
import { isFailure } from '../../../../core/failure.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

describe('daemon/state/sqlite/database', () => {
  let path: string;
  let database: Database;

  beforeEach(async () => {
    path = join(await temporaryDirectory('database'), 'test.db');
    database = await Database.open(path);
    await database.alone(async (statements) => {
      await statements.script('PRAGMA foreign_keys = ON; CREATE TABLE names (name TEXT PRIMARY KEY)');
      await statements.script('CREATE TABLE notes (name TEXT REFERENCES names, note TEXT)');
    });
  });
  afterEach(async () => {
    await database.close();
  });

  const names = async (): Promise<unknown[]> =>
    (await database.all('SELECT name FROM names ORDER BY rowid')).map(({ name }) => name);

  async function insert(name: string, work: () => Promise<void> = async () => {}): Promise<string> {
    return await database.transaction(async (statements) => {
      await statements.run('INSERT INTO names VALUES (?)', `${name}1`);
      await new Promise((resolve) => setImmediate(resolve));
      await work();
      await statements.run('INSERT INTO names VALUES (?)', `${name}2`);
      return name;
    });
  }

  it('runs transactions one after the other, in the order in which they were asked for', async () => {
    const all = NAMES.map(async (name) => await insert(name));
    const between = names();
    assert.deepEqual(await Promise.all(all), NAMES);
    assert.equal((await between).length, 12, 'what is read waits for what was to be written');
    assert.deepEqual(
      await names(),
      NAMES.flatMap((name) => [`${name}1`, `${name}2`]),
    );
  });

  for (const bytes of [0, 32, 33])
    it(`reads what is there where a writer was killed after ${bytes} bytes of the log`, async () => {
      await database.run('PRAGMA journal_mode = WAL');
      await insert('a');
      await database.run('PRAGMA wal_checkpoint(TRUNCATE)');
      await insert('b');
      const left = `${path}.left`;
      for (const suffix of ['', '-wal', '-shm']) await copyFile(path + suffix, left + suffix);
      await truncate(`${left}-wal`, bytes);
      const reading = await Database.openToRead(left);
      try {
        const rows = await reading.all('SELECT name FROM names ORDER BY rowid');
        assert.deepEqual(rows, [{ name: 'a1' }, { name: 'a2' }]);
      } finally {
        await reading.close();
      }
    });

  it('keeps nothing of a transaction that failed, and all of the others', async () => {
    const bad = async (): Promise<void> => await Promise.reject(new RangeError('bad'));
    const all = await Promise.allSettled([insert('a'), insert('b', bad), insert('a'), insert('c')]);
    assert.deepEqual(
      all.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    );
    assert.ok(all[1]?.status === 'rejected' && all[1].reason instanceof RangeError);
    assert.deepEqual(await names(), ['a1', 'a2', 'c1', 'c2']);
  });

  it('takes lists of values among others, and keeps what they are', async () => {
    await database.transaction(async (statements) => {
      await statements.run('INSERT INTO names VALUES (?)', 'a');
      await statements.run('INSERT INTO notes VALUES (?, ?)', ['a', null]);
    });
    assert.deepEqual(await database.all('SELECT *, ? AS text, ? AS number FROM notes', ["it's", 7], []), [
      { name: 'a', note: null, text: "it's", number: 7 },
    ]);
  });

  const mistakes: [what: string, sql: string][] = [
    ['a statement that is none', 'SELEKT'],
    ['a table that is not there', 'DELETE FROM others'],
    ['a row that is there', "INSERT INTO names VALUES ('a')"],
    ['a row that refers to none', "INSERT INTO notes VALUES ('b', '')"],
  ];
  for (const [what, sql] of mistakes) {
    it(`throws for ${what} what sqlite3 says: a mistake is no failure`, async () => {
      await database.transaction(
        async (statements) => await statements.run("INSERT INTO names VALUES ('a')"),
      );
      await assert.rejects(
        database.transaction(async (statements) => await statements.run(sql)),
        (error) => error instanceof Error && !isFailure(error),
      );
      assert.deepEqual(await names(), ['a']);
    });
  }

  it('cannot be a directory', async () => {
    const folder = join(path, '..', 'folder');
    await mkdir(folder);
    await assert.rejects(Database.open(folder), (error) => isFailure(error, 'state-unusable'));
  });

  it('is damaged where it holds something else', async () => {
    const other = join(path, '..', 'other.db');
    await writeFile(other, 'no database at all, over many bytes. '.repeat(100));
    const opened = await Database.open(other);
    await assert.rejects(opened.all('SELECT * FROM sqlite_master'), (error) => error instanceof Damaged);
    await opened.close();
  });

  const codes: [code: string, failure: 'state-unusable' | 'disk-full' | undefined, isDamaged: boolean][] = [
    ['SQLITE_BUSY', 'state-unusable', false],
    ['SQLITE_READONLY', 'state-unusable', false],
    ['SQLITE_CANTOPEN', 'state-unusable', false],
    ['SQLITE_IOERR', 'state-unusable', false],
    ['SQLITE_CORRUPT', 'state-unusable', true],
    ['SQLITE_NOTADB', 'state-unusable', true],
    ['SQLITE_FULL', 'disk-full', false],
    ['SQLITE_CONSTRAINT', undefined, false],
    ['SQLITE_MISUSE', undefined, false],
  ];
  for (const [code, failure, isDamaged] of codes) {
    it(`${failure === undefined ? 'lets' : 'understands'} ${code}${failure === undefined ? ' be' : ''}`, () => {
      const error = Object.assign(new Error('test'), { code });
      const found = databaseFailure(error, path);
      assert.equal(isFailure(found) ? found.code : undefined, failure);
      assert.equal(found instanceof Damaged, isDamaged);
      if (failure === undefined) assert.equal(found, error);
    });
  }

  for (const thrown of [new TypeError('test'), 'text', undefined])
    it(`lets ${String(thrown)} be`, () => assert.equal(databaseFailure(thrown, path), thrown));
});
