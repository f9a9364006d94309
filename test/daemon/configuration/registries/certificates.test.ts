import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  readAuthorities,
  readClientCertificate,
} from '../../../../daemon/configuration/registries/certificates.ts';
import { describeWith } from '../../../support/programs.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { makePair } from './certificate-pair.ts';

const BROKEN = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

let folder: string;

function text(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

function write(name: string, content: string): void {
  writeFileSync(join(folder, name), content);
}

function located(name: string) {
  return { origin: `f:1: ${name}`, value: join(folder, name) };
}

async function authorities(name: string) {
  const problems: string[] = [];
  return { pem: await readAuthorities(located(name), problems), problems };
}

async function client(certificate: string, key: string) {
  const problems: string[] = [];
  const files = { certificate: located(certificate), key: located(key) };
  return { client: await readClientCertificate(files, problems), problems };
}

describeWith(['openssl'], 'daemon/configuration/registries/certificates', () => {
  before(async () => {
    folder = await temporaryDirectory('certificates');
    await makePair(folder, 'a');
    await makePair(folder, 'b');
    execFileSync(
      'openssl',
      ['pkey', '-in', 'a.key', '-out', 'locked.key', '-aes128', '-passout', 'pass:s3cret'],
      {
        cwd: folder,
      },
    );
    write('both.pem', `A bundle\n${text('a.pem')}# the second\n${text('b.pem')}`);
    write('all.pem', `${text('a.key')}${text('a.pem')}`);
    write('broken.pem', `${text('a.pem')}${BROKEN}`);
    write('words.pem', 's3cret words');
    write('empty.pem', '');
  });

  describe('certificate authorities', () => {
    it('are none where no file is named', async () => {
      const problems: string[] = [];
      assert.deepEqual([await readAuthorities(undefined, problems), problems], [undefined, []]);
    });

    for (const [name, subjects] of [
      ['a.pem', ['CN=a']],
      ['both.pem', ['CN=a', 'CN=b']],
      ['all.pem', ['CN=a']],
    ] as const) {
      it(`are the certificates of ${name}, without what else stands there`, async () => {
        const { pem = '', problems } = await authorities(name);
        assert.deepEqual(problems, []);
        const blocks = pem.split(/(?<=-----END CERTIFICATE-----\n)/);
        assert.deepEqual(
          blocks.map((block) => new X509Certificate(block).subject),
          subjects,
        );
        assert.doesNotMatch(pem, /PRIVATE KEY|bundle|second/);
      });
    }

    const wrong: readonly (readonly [name: string, reason: RegExp])[] = [
      ['none.pem', /none\.pem" does not exist/],
      ['words.pem', /words\.pem" contains no certificate;/],
      ['empty.pem', /empty\.pem" contains no certificate;/],
      ['a.key', /a\.key" contains no certificate;/],
      ['broken.pem', /broken\.pem" .*number 2/],
    ];
    for (const [name, reason] of wrong) {
      it(`are not in ${name}`, async () => {
        const { pem, problems } = await authorities(name);
        assert.equal(pem, undefined);
        assert.equal(problems.length, 1);
        assert.match(problems[0] ?? '', reason);
        assert.ok(problems[0]?.startsWith(`f:1: ${name}: `));
        assert.doesNotMatch(problems[0] ?? '', /s3cret/);
      });
    }
  });

  describe('a client certificate', () => {
    it('is none where no files are named', async () => {
      const problems: string[] = [];
      assert.deepEqual([await readClientCertificate(undefined, problems), problems], [undefined, []]);
    });

    for (const [certificate, key] of [
      ['a.pem', 'a.key'],
      ['both.pem', 'a.key'],
      ['all.pem', 'all.pem'],
    ] as const) {
      it(`is read from ${certificate} and ${key}`, async () => {
        const read = await client(certificate, key);
        assert.deepEqual(read.problems, []);
        const { certificate: pem = '', key: keyPem = '' } = read.client ?? {};
        assert.ok(new X509Certificate(pem).checkPrivateKey(createPrivateKey(keyPem)));
      });
    }

    const wrong: readonly (readonly [certificate: string, key: string, ...reasons: RegExp[]])[] = [
      ['a.pem', 'b.key', /b\.key" is not the key .*a\.pem"/],
      ['a.pem', 'locked.key', /locked\.key" .*passphrase/],
      ['a.pem', 'a.pem', /a\.pem" contains no usable private key/],
      ['a.pem', 'words.pem', /words\.pem" contains no usable private key/],
      ['a.key', 'words.pem', /a\.key" contains no certificate/, /words\.pem" contains no usable private key/],
      ['none.pem', 'none.key', /none\.pem" does not exist/, /none\.key" does not exist/],
    ];
    for (const [certificate, key, ...reasons] of wrong) {
      it(`is not in ${certificate} and ${key}`, async () => {
        const read = await client(certificate, key);
        assert.equal(read.client, undefined);
        assert.equal(read.problems.length, reasons.length, read.problems.join('\n'));
        for (const [index, reason] of reasons.entries()) assert.match(read.problems[index] ?? '', reason);
        assert.doesNotMatch(read.problems.join('\n'), /s3cret/);
      });
    }
  });
});
