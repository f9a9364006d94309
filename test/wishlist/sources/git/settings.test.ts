import assert from 'node:assert/strict';
import { parseGitAddress } from '../../../../wishlist/sources/git/settings.ts';

const GOOD: Readonly<Record<string, readonly [protocol: string, label: string]>> = {
  'https://git.example.org/group/list.git': ['https', 'git.example.org/group/list'],
  'https://git.example.org:8443/list/': ['https', 'git.example.org:8443/list'],
  'http://127.0.0.1:80/list.git': ['http', '127.0.0.1:80/list'],
  'ssh://git@git.example.org/group/list': ['ssh', 'git.example.org/group/list'],
  'ssh://git.example.org:2222/list.git': ['ssh', 'git.example.org:2222/list'],
  'ssh://git@[::1]:22/list': ['ssh', '[::1]:22/list'],
  'git@git.example.org:group/list.git': ['ssh', 'git.example.org/group/list'],
  'git.example.org:/srv/list.git': ['ssh', 'git.example.org/srv/list'],
  'file:///srv/list.git': ['file', '/srv/list'],
  '/srv/list.git': ['file', '/srv/list'],
};

const BAD = [
  '',
  'list.git',
  '-oProxyCommand=x:y',
  '--upload-pack=x',
  'https://user@git.example.org/list.git',
  'https://user:secret@git.example.org/list.git',
  'https://git.example.org',
  'https://git.example.org/list.git?token=secret',
  'https://git.example.org/list.git#x',
  'ssh://git:secret@git.example.org/list.git',
  'ssh://-oProxyCommand=x/list',
  'git@-oProxyCommand=x:list',
  '-x@git.example.org:list',
  'git@git.example.org:-list',
  'git://git.example.org/list.git',
  'ftp://git.example.org/list.git',
  'ext::sh -c touch% x',
  'fd::7',
  'file://host/list.git',
  'https://git.example.org/a b',
  'https://git.example.org/a\nb',
  '/srv/a\u0000b',
];

describe('wishlist/sources/git/settings', () => {
  for (const [text, [protocol, label]] of Object.entries(GOOD)) {
    it(`can be ${text}`, () => {
      assert.deepEqual(parseGitAddress(text), { protocol, url: text, label });
    });
  }

  for (const text of BAD) {
    it(`cannot be ${JSON.stringify(text)}`, () => {
      assert.equal(parseGitAddress(text), undefined);
    });
  }
});
