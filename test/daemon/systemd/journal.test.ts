import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createLog } from '../../../daemon/systemd/journal.ts';
import type { LogRecord } from '../../../daemon/systemd/log.ts';
import { hideSecret } from '../../../daemon/configuration/secrets.ts';
import { DatagramReceiver } from '../../support/datagrams.ts';
import { journalOf, needsJournal } from '../../support/journal.ts';
import { needs } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const WARNING: LogRecord = {
  priority: 4,
  message: 'quay.io does not answer',
  fields: { image: 'quay.io/lab/tool:1', code: 'network', publication: undefined },
};

describe('daemon/systemd/journal', () => {
  let folder: string;
  let written: string;
  let stderr: Writable;
  let descriptor: number;
  let receiver: DatagramReceiver | undefined;

  beforeEach(async () => {
    folder = await temporaryDirectory('log');
    written = '';
    stderr = new Writable({
      write: (chunk, _encoding, done) => {
        written += String(chunk);
        done();
      },
    });
    descriptor = openSync(join(folder, 'stream'), 'w');
  });

  afterEach(async () => {
    closeSync(descriptor);
    await receiver?.close();
    receiver = undefined;
  });

  describe('where standard error is no journal', () => {
    const now = (): Date => new Date(2026, 10, 8, 5, 4, 3);
    const texts: readonly (readonly [priority: LogRecord['priority'], line: string])[] = [
      [3, '2026-11-08 05:04:03 +00:00 error lab/tool:1: published\n'],
      [4, '2026-11-08 05:04:03 +00:00 warning lab/tool:1: published\n'],
      [5, '2026-11-08 05:04:03 +00:00 notice lab/tool:1: published\n'],
      [6, '2026-11-08 05:04:03 +00:00 info lab/tool:1: published\n'],
      [7, '2026-11-08 05:04:03 +00:00 debug lab/tool:1: published\n'],
    ];
    for (const [priority, line] of texts) {
      it(`writes a line for people, of priority ${priority}`, () => {
        const log = createLog({ environment: {}, stderr, descriptor, now });
        log.write({ priority, message: 'published', fields: { image: 'lab/tool:1' } });
        assert.equal(written, line);
      });
    }

    it('also where JOURNAL_STREAM names what somebody else had, or the stream is closed', () => {
      for (const [number, JOURNAL_STREAM] of [
        [descriptor, '1:1'],
        [descriptor, ''],
        [999_999, streamOf(join(folder, 'stream'))],
      ] as const) {
        createLog({ environment: { JOURNAL_STREAM }, stderr, descriptor: number, now }).write(WARNING);
      }
      const line =
        '2026-11-08 05:04:03 +00:00 warning quay.io/lab/tool:1: quay.io does not answer [network]\n';
      assert.equal(written, line.repeat(3));
    });

    it('cuts what is too long', () => {
      createLog({ environment: {}, stderr, descriptor, now }).write({
        priority: 6,
        message: 'x'.repeat(100_000),
      });
      assert.match(written, /x{30000} ?x* \[cut, 100000 bytes in all\]\n$/);
    });
  });

  describe('where standard error leads to the journal', () => {
    it('sends fields to its socket, and writes nothing', async function () {
      needs(this, 'python3');
      hideSecret('s3cret-of-the-log');
      const journalSocket = join(folder, 'journal');
      receiver = await DatagramReceiver.on(journalSocket);
      const log = journalLog(journalSocket);
      log.write(WARNING);
      log.write({ priority: 6, message: 's3cret-of-the-log', fields: { nextTry: 's3cret-of-the-log' } });
      const [warning, hidden] = (await receiver.messages(2)).map(fieldsOf);
      assert.deepEqual(warning, {
        PRIORITY: '4',
        SYSLOG_IDENTIFIER: 'unpackd',
        MESSAGE: 'quay.io/lab/tool:1: quay.io does not answer',
        UNPACKD_IMAGE: 'quay.io/lab/tool:1',
        UNPACKD_CODE: 'network',
      });
      assert.deepEqual(hidden, {
        PRIORITY: '6',
        SYSLOG_IDENTIFIER: 'unpackd',
        MESSAGE: '***',
        UNPACKD_NEXT_TRY: '***',
      });
      assert.equal(written, '');
    });

    it('writes lines with their priority in front where its socket cannot be reached', () => {
      const log = journalLog(join(folder, 'missing'));
      log.write(WARNING);
      log.write({ priority: 6, message: 'one\ntwo' });
      assert.equal(written, '<4>quay.io/lab/tool:1: quay.io does not answer [network]\n<6>one two\n');
    });

    it('cuts what is too long, in fields too', async function () {
      needs(this, 'python3');
      const journalSocket = join(folder, 'journal');
      receiver = await DatagramReceiver.on(journalSocket);
      const long = 'x'.repeat(300_000);
      const fields = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`field${index}`, long]));
      journalLog(journalSocket).write({ priority: 6, message: long, fields });
      const [entry] = (await receiver.messages(1)).map(fieldsOf);
      for (const value of [entry?.['MESSAGE'], entry?.['UNPACKD_FIELD19']])
        assert.match(value ?? '', /^x{400,} \[cut, 300000 bytes in all\]$/);
      assert.equal(written, '');
    });
  });

  describe('with a real journal', () => {
    let script: readonly string[];

    before(() => {
      const source = `
        const { createLog } = await import(process.argv[1]);
        const log = createLog({ environment: process.env, stderr: process.stderr });
        for (const record of JSON.parse(process.argv[2])) log.write(record);
      `;
      const records = JSON.stringify([WARNING, { priority: 6, message: 'x'.repeat(100_000) }]);
      const module = new URL('../../../daemon/systemd/journal.js', import.meta.url).href;
      script = [process.execPath, '--input-type=module', '-e', source, module, records];
    });

    it('is found by its fields', async function () {
      needsJournal(this);
      const [warning = {}, long = {}] = await journalOf(script);
      assert.equal(warning['MESSAGE'], 'quay.io/lab/tool:1: quay.io does not answer');
      assert.equal(warning['PRIORITY'], '4');
      assert.equal(warning['SYSLOG_IDENTIFIER'], 'unpackd');
      assert.equal(warning['UNPACKD_IMAGE'], 'quay.io/lab/tool:1');
      assert.equal(warning['UNPACKD_CODE'], 'network');
      assert.equal(warning['_TRANSPORT'], 'journal');
      assert.match(long['MESSAGE'] ?? '', /^x+ \[cut, 100000 bytes in all\]$/);
    });

    it('has priorities also where only the stream is left', async function () {
      needsJournal(this);
      const entries = await journalOf(script, { streamOnly: true });
      assert.deepEqual(
        entries.map((entry) => [entry['_TRANSPORT'], entry['PRIORITY'], entry['MESSAGE']?.slice(-34)]),
        [
          ['stdout', '4', ': quay.io does not answer [network]'.slice(-34)],
          ['stdout', '6', `${'x'.repeat(34)} [cut, 100000 bytes in all]`.slice(-34)],
        ],
      );
    });
  });

  function journalLog(journalSocket: string): ReturnType<typeof createLog> {
    const environment = { JOURNAL_STREAM: streamOf(join(folder, 'stream')) };
    return createLog({ environment, stderr, descriptor, journalSocket });
  }
});

/** Device and inode, as systemd names them. */
function streamOf(path: string): string {
  return execFileSync('stat', ['--format=%d:%i', path], { encoding: 'utf8' }).trim();
}

/** The fields of an entry in the native protocol, where every value comes with its length. */
function fieldsOf(entry: Buffer): Record<string, string> {
  const fields: Record<string, string> = {};
  let offset = 0;
  while (offset < entry.length) {
    const nameEnd = entry.indexOf('\n', offset);
    const valueStart = nameEnd + 9;
    const valueEnd = valueStart + Number(entry.readBigUInt64LE(nameEnd + 1));
    fields[entry.toString('utf8', offset, nameEnd)] = entry.toString('utf8', valueStart, valueEnd);
    assert.equal(entry[valueEnd], 10);
    offset = valueEnd + 1;
  }
  return fields;
}
