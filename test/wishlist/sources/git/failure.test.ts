import assert from 'node:assert/strict';
import { GitCommandError } from '../../../../wishlist/sources/git/command.ts';
import { remoteFailure, unknownFailure } from '../../../../wishlist/sources/git/failure.ts';
import { gitSettings } from '../reading.ts';

const LIMITS = { environment: {}, timeLimitMs: 1000, sizeLimitBytes: 2 ** 28, signal: undefined };
const LOGIN = { user: 'robot', password: 'a secret/word' };

/** What git, ssh and servers say, by what it means; `undefined`: the clone may be the reason. */
const CASES: readonly (readonly [exitCode: number, stderr: string, code: string | undefined])[] = [
  [128, "fatal: unable to access 'https://x/': Could not resolve host: x", 'source-unreachable'],
  [
    128,
    'ssh: connect to host x port 22: Connection refused\nfatal: Could not read from remote',
    'source-unreachable',
  ],
  [124, '', 'source-unreachable'],
  [137, 'anything', 'source-unreachable'],
  [127, "timeout: failed to run command 'git': No such file or directory", 'source-unreachable'],
  [
    128,
    "fatal: unable to access 'https://x/': SSL certificate problem: unable to get local issuer certificate",
    'source-untrusted',
  ],
  [
    128,
    "fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none CRLfile: none",
    'source-untrusted',
  ],
  [128, 'Host key verification failed.\nfatal: Could not read from remote repository.', 'source-untrusted'],
  [
    128,
    "remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://x/'",
    'source-unauthorized',
  ],
  [128, "fatal: could not read Username for 'https://x': terminal prompts disabled", 'source-unauthorized'],
  [128, "fatal: unable to access 'https://x/': The requested URL returned error: 403", 'source-unauthorized'],
  [
    128,
    'git@x: Permission denied (publickey).\nfatal: Could not read from remote repository.',
    'source-unauthorized',
  ],
  [128, "fatal: detected dubious ownership in repository at '/x'", 'source-unauthorized'],
  [128, "fatal: repository 'https://x/y.git/' not found", 'source-invalid'],
  [128, 'ERROR: Repository not found.\nfatal: Could not read from remote repository.', 'source-invalid'],
  [128, "fatal: couldn't find remote ref refs/heads/x", 'source-invalid'],
  [128, 'error: unable to write file: No space left on device', 'disk-full'],
  [128, 'fatal: write error: File too large\nfatal: fetch-pack: invalid index-pack output', 'source-invalid'],
  [128, 'fatal: Out of memory, malloc failed (tried to allocate 1073741825 bytes)', 'source-invalid'],
  [128, "fatal: Unable to create '/x/shallow.lock': File exists.", undefined],
  [128, 'fatal: bad object 1111111111111111111111111111111111111111', undefined],
  [128, 'fatal: early EOF\nfatal: fetch-pack: invalid index-pack output', undefined],
  [128, '', undefined],
];

describe('wishlist/sources/git/failure', () => {
  for (const [exitCode, stderr, code] of CASES) {
    it(`means ${code ?? 'nothing certain'}: ${exitCode} ${stderr.split('\n')[0]}`, () => {
      const error = new GitCommandError(exitCode, stderr);
      assert.equal(remoteFailure(error, gitSettings('https://x/y.git'), LIMITS)?.code, code);
      assert.equal(unknownFailure(error, gitSettings('https://x/y.git')).code, 'source-unreachable');
    });
  }

  const telling = [
    `fatal: Authentication failed for 'https://robot:other-secret@x/' with a secret/word`,
    `remote: a%20secret%2Fword is no token`,
  ];
  for (const stderr of telling) {
    it(`is shown without secrets and control characters: ${stderr}`, () => {
      const source = gitSettings('https://x/y.git', { login: LOGIN });
      const error = new GitCommandError(128, `${stderr}\u001b[31m`);
      const { message } = remoteFailure(error, source, LIMITS) ?? unknownFailure(error, source);
      for (const secret of ['a secret/word', 'a%20secret%2Fword', 'other-secret', '\u001b']) {
        assert.equal(message.includes(secret), false, message);
      }
      assert.ok(message.includes('***'));
    });
  }
});
