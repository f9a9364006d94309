import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readNetwork } from '../../../../daemon/configuration/registries/registries.ts';
import type { Environment } from '../../../../daemon/configuration/options.ts';
import { Failure } from '../../../../core/failure.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

interface Read {
  readonly https?: string;
  readonly http?: string;
  readonly none?: string;
}

const GOOD: readonly (readonly [environment: Environment, read: Read])[] = [
  [{}, {}],
  [{ HTTPS_PROXY: '', http_proxy: '  ', NO_PROXY: '' }, {}],
  [{ HTTPS_PROXY: 'http://p.example:3128' }, { https: 'http://p.example:3128/' }],
  [{ HTTPS_PROXY: 'https://p.example' }, { https: 'https://p.example/' }],
  [{ HTTP_PROXY: 'p.example:3128' }, { http: 'http://p.example:3128/' }],
  [{ HTTP_PROXY: 'http://[::1]:3128/' }, { http: 'http://[::1]:3128/' }],
  [{ https_proxy: 'http://a', HTTPS_PROXY: 'http://b' }, { https: 'http://a/' }],
  [{ https_proxy: '', HTTPS_PROXY: 'http://b' }, { https: 'http://b/' }],
  [{ no_proxy: 'a,b', NO_PROXY: '*' }, { none: 'a,b' }],
  [{ HTTPS_PROXY: 'http://me:p%40ss@p:1' }, { https: 'http://me:p%40ss@p:1/' }],
  [{ ALL_PROXY: 'http://a' }, {}],
];

const BAD = [
  'socks5://me:s3cret@p.example:1080',
  'http://me:s3cret@',
  'http://me:s3cret/@p.example',
  'http://p.example:99999',
  'http://me:s3cret%@p.example',
  'http://me:s3cret%ff@p.example',
  'http://p.example/path',
  'http://p.example?s3cret',
  'two words',
];

describe('daemon/configuration/registries/network', () => {
  for (const [environment, { https, http, none }] of GOOD) {
    it(`reads ${JSON.stringify(environment)}`, async () => {
      const { proxies } = await readNetwork(environment);
      assert.deepEqual([proxies.https?.href, proxies.http?.href, proxies.none], [https, http, none]);
    });
  }

  for (const value of BAD) {
    it(`refuses ${value}, without a word of it`, async () => {
      for (const name of ['HTTPS_PROXY', 'http_proxy']) {
        await assert.rejects(readNetwork({ [name]: value }), (error) => {
          assert(error instanceof Failure && error.code === 'configuration-invalid');
          assert(error.message.includes(name) && !`${error.message} ${error.hint}`.includes('s3cret'));
          return true;
        });
      }
    });
  }

  it('reads the authorities that NODE_EXTRA_CA_CERTS names, where it can', async () => {
    const folder = await temporaryDirectory('network');
    const file = join(folder, 'authorities.pem');
    await writeFile(file, 'PEM');
    const read = async (path: string) => (await readNetwork({ NODE_EXTRA_CA_CERTS: path })).systemAuthorities;
    assert.deepEqual(
      [await read(file), await read(join(folder, 'none')), await read(folder), await read('')],
      ['PEM', undefined, undefined, undefined],
    );
  });
});
