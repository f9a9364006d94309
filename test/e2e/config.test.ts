import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BACKENDS, Site } from '../support/e2e/site.ts';
import { ordinaryUser } from '../support/e2e/ordinary-user.ts';
import { environmentOf, MAIN, run, Running } from '../support/e2e/unpackd.ts';
import { temporaryDirectory } from '../support/setup.ts';

describe('e2e/config', () => {
  for (const backend of BACKENDS) {
    it(`finds a site of the kind ${backend} in order, shows it, and writes nothing`, async () => {
      const site = await Site.make(backend);
      const before = readdirSync(site.folder);
      const checked = await run(['config', 'check', ...site.options]);
      assert.deepEqual([checked.status, checked.stderr], [0, '']);
      assert.match(
        checked.stdout,
        new RegExp(`^[^\n]* is valid: repositories below ${site.root} \\(${backend}\\), `),
      );
      const shown = await run(['config', 'show', ...site.options]);
      assert.deepEqual([shown.status, shown.stderr], [0, '']);
      assert.match(shown.stdout, new RegExp(`^\\* +state +${site.state} +--state +default: /`, 'm'));
      assert.deepEqual(readdirSync(site.folder), before);
    });
  }

  it('tells all that is wrong with the file that the environment names, each on a line of its own', async () => {
    const site = await Site.make('directory');
    const config = join(site.folder, 'unpackd.yaml');
    writeFileSync(config, 'wait: soon\nregistries:\n  quay.io:\n    usrname: x\ndownloads: 0\n');
    const environment = { UNPACKD_CONFIG: config, UNPACKD_ROT: '/x' };
    for (const words of [
      ['config', 'check'],
      ['config', 'show'],
    ]) {
      const { status, stdout, stderr } = await run(words, { environment });
      assert.deepEqual([status, stdout], [2, '']);
      const lines = stderr.split('\n').slice(0, -1);
      const places = lines.map((line) => /unpackd\.yaml:\d+|UNPACKD_\w+/.exec(line)?.[0] ?? line);
      assert.equal(places.length, 4, stderr);
      assert.deepEqual(
        new Set(places),
        new Set(['UNPACKD_ROT', 'unpackd.yaml:1', 'unpackd.yaml:4', 'unpackd.yaml:5']),
      );
    }
  });

  it('says what the user who runs it may not write or read', async function () {
    const user = await ordinaryUser(this);
    const own = await user.directory();
    const closed = await temporaryDirectory('closed');
    chmodSync(closed, 0o755);
    const secret = join(closed, 'ca.pem');
    writeFileSync(secret, '', { mode: 0o600 });
    const options = [
      '--backend',
      'directory',
      '--root',
      own,
      '--state',
      join(closed, 'state'),
      '--ca-certificates',
      secret,
    ];
    const child = user.start(MAIN, ['config', 'check', ...options], environmentOf({ uncovered: true }));
    const { status, stdout, stderr } = await new Running(child).ended();
    assert.deepEqual([status, stdout], [2, '']);
    const lines = stderr.split('\n').slice(0, -1);
    assert.equal(lines.length, 2, stderr);
    assert.ok(
      lines[0]?.startsWith(
        `error[configuration-invalid] --ca-certificates: the file "${secret}" cannot be read (EACCES); `,
      ),
    );
    assert.ok(
      lines[1]?.startsWith(
        `error[configuration-invalid] --state: the directory "${join(closed, 'state')}" cannot be created: "${closed}" is not writable by this user (EACCES); `,
      ),
    );
    assert.equal(existsSync(join(closed, 'state')), false);
  });
});
