import { strict as assert } from 'node:assert';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connectorFor, type ConnectorOptions } from '../../../core/http/connector.ts';
import { BlackHole } from '../../support/black-hole.ts';

const [SERVER, REFUSING, DEAD] = ['127.0.0.3', '127.0.0.2', '127.0.0.9'];

const REFUSING_ONES = Array.from({ length: 30 }, (_, index) => `127.0.1.${index + 1}`);

/** What a name stands for, and where the connection leads, or the code of its error. */
const CASES: readonly (readonly [what: string, addresses: readonly string[], end: string])[] = [
  ['one address', [SERVER], SERVER],
  ['one that refuses', [REFUSING], 'ECONNREFUSED'],
  ['one that does not answer', [DEAD], 'UND_ERR_CONNECT_TIMEOUT'],
  ['one that refuses before one that works', [REFUSING, SERVER], SERVER],
  ['one that does not answer before one that works', [DEAD, SERVER], SERVER],
  ['one that works before one that does not answer', [SERVER, DEAD], SERVER],
  ['many of which the last works', [...REFUSING_ONES, DEAD, SERVER], SERVER],
  ['some that do not answer before one that works', [DEAD, DEAD, DEAD, SERVER], SERVER],
  ['one of version 6 that refuses', ['::1', SERVER], SERVER],
  ['one that refuses and one that does not answer', [REFUSING, DEAD], 'UND_ERR_CONNECT_TIMEOUT'],
];

describe('core/http/connector', () => {
  let server: Server;
  let port: number;
  let hole: BlackHole;
  const sockets: Socket[] = [];

  before(async () => {
    server = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => server.listen(0, SERVER, resolve));
    ({ port } = server.address() as AddressInfo);
    hole = await BlackHole.open(DEAD, port);
  });

  after(async () => {
    for (const socket of sockets) socket.destroy();
    await hole.close();
    await new Promise((resolve) => server.close(resolve));
  });

  async function connect(hostname: string, options: ConnectorOptions): Promise<string | undefined> {
    const socket = await new Promise<Socket>((resolve, reject) => {
      const target = { hostname, protocol: 'http:', port: String(port) };
      connectorFor(options)(target, (...[error, connected]) => {
        if (error === null) resolve(connected);
        else reject(error);
      });
    });
    sockets.push(socket);
    return socket.remoteAddress;
  }

  const listed = (...addresses: readonly string[]) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    return async () => await Promise.resolve(found);
  };
  const isAllowed = (address: string): boolean => address !== SERVER;

  for (const [what, name, addresses] of [
    ['a name with an address that is refused', 'registry.test', [SERVER]],
    ['an address that is refused', SERVER, []],
  ] as const) {
    it(`${what}: no connection`, async () => {
      const options = { timeoutMs: 60_000, addressesOf: listed(...addresses), isAllowed };
      await assert.rejects(connect(name, options), { code: 'ERR_ADDRESS_REFUSED' });
    });
  }

  it('connects to an address that is allowed beside one that is refused', async () => {
    const options = { timeoutMs: 60_000, addressesOf: listed(REFUSING, SERVER) };
    assert.equal(await connect('registry.test', { ...options, isAllowed: (one) => one === SERVER }), SERVER);
    await assert.rejects(connect('registry.test', { ...options, isAllowed }), { code: 'ECONNREFUSED' });
  });

  it('connects to the address that was judged, whatever the name means then', async () => {
    const answers = [[SERVER], ['127.0.0.4']];
    const asked: string[] = [];
    const options = {
      timeoutMs: 60_000,
      addressesOf: async (name: string) => {
        asked.push(name);
        return await Promise.resolve((answers.shift() ?? []).map((address) => ({ address, family: 4 })));
      },
      isAllowed: (address: string) => address === SERVER,
    };
    assert.equal(await connect('registry.test', options), SERVER);
    assert.deepEqual(asked, ['registry.test']);
    await assert.rejects(connect('registry.test', options), { code: 'ERR_ADDRESS_REFUSED' });
  });

  for (const [what, addresses, end] of CASES) {
    it(`${what}: ${end === SERVER ? 'connected' : end}`, async () => {
      const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      const timeoutMs = end === SERVER ? 60_000 : 500;
      const connecting = connect('registry.test', {
        timeoutMs,
        addressesOf: async () => await Promise.resolve(found),
      });
      if (end === SERVER) assert.equal(await connecting, SERVER);
      else await assert.rejects(connecting, { code: end });
    });
  }

  it('takes both versions in turn, whatever comes first', async () => {
    const found = [DEAD, DEAD, DEAD, DEAD].map((address) => ({ address, family: 4 }));
    const other = { address: SERVER, family: 6 };
    const addressesOf = async () => await Promise.resolve([...found, other]);
    assert.equal(await connect('registry.test', { timeoutMs: 60_000, addressesOf }), SERVER);
  });

  it('looks up no address', async () => {
    const addressesOf = () => assert.fail();
    assert.equal(await connect(SERVER, { timeoutMs: 60_000, addressesOf }), SERVER);
  });

  it('says why a name cannot be looked up', async () => {
    await assert.rejects(connect('nothing.invalid', { timeoutMs: 60_000 }), /ENOTFOUND|EAI_AGAIN/);
  });

  it('counts the look-up in its time', async () => {
    const addressesOf = async () => await new Promise<never>(() => undefined);
    await assert.rejects(connect('registry.test', { timeoutMs: 50, addressesOf }), {
      code: 'UND_ERR_CONNECT_TIMEOUT',
    });
  });

  it('counts TLS in its time, and closes what comes of it', async () => {
    const target = { hostname: SERVER, protocol: 'https:', port: String(port) };
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const connecting = new Promise((resolve, reject) => {
      connectorFor({ timeoutMs: 500 })(target, (...[error]) =>
        error === null ? resolve(undefined) : reject(error),
      );
    });
    await assert.rejects(connecting, { code: 'UND_ERR_CONNECT_TIMEOUT' });
    const socket = await accepted;
    await new Promise((resolve) => socket.once('close', resolve).resume());
  });
});
