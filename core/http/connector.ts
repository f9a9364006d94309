import { ADDRCONFIG, type LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { buildConnector, errors } from 'undici';
import { firstConnection } from './first-connection.ts';
import { AddressRefusedError } from './public-address.ts';

type Connector = buildConnector.connector;
type Target = buildConnector.Options;

export interface ConnectorOptions {
  /** Until the connection stands: looking up the name, trying its addresses, and TLS. */
  readonly timeoutMs: number;
  /** Node's own where it is left out. */
  readonly secureContext?: SecureContext | undefined;
  /** Looks a name up; by default the system does. */
  readonly addressesOf?: (name: string) => Promise<readonly LookupAddress[]>;
  /** Allows an address to be connected to; all by default. */
  readonly isAllowed?: ((address: string) => boolean) | undefined;
}

/** @see RFC 8305, section 8, "Connection Attempt Delay" */
const ATTEMPT_DELAY_MS = 250;
const KEEP_ALIVE_AFTER_MS = 60_000;
/** As undici has it: what Node reads at once. */
const READ_BUFFER_BYTES = 64 * 1024;

/**
 * Connects to all addresses of a host until one answers: Node itself gives each up after 250 ms, which leaves none
 * where a server is farther away than that. A connection through a tunnel (`httpSocket`) only gets its TLS.
 */
export function connectorFor(options: ConnectorOptions): Connector {
  const { timeoutMs, secureContext } = options;
  const secure = buildConnector({ timeout: timeoutMs, ...(secureContext && { secureContext }) });
  const open = async (target: Target, signal: AbortSignal): Promise<Socket> => {
    const socket = target.httpSocket ?? (await openSocket(target, options, signal));
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    return target.protocol === 'https:' ? await secured(secure, { ...target, httpSocket: socket }) : socket;
  };
  return (target, callback) => {
    void report(
      withinTime(async (signal) => await open(target, signal), timeoutMs),
      callback,
    );
  };
}

async function report(opening: Promise<Socket>, callback: buildConnector.Callback): Promise<void> {
  let socket: Socket;
  try {
    socket = await opening;
  } catch (error) {
    callback(error instanceof Error ? error : new Error(String(error)), null);
    return;
  }
  endAtFirstError(socket);
  callback(null, socket);
}

async function systemAddressesOf(name: string): Promise<readonly LookupAddress[]> {
  return await lookup(name, { all: true, hints: ADDRCONFIG });
}

async function openSocket(
  { hostname, port, protocol, localAddress }: Target,
  { addressesOf = systemAddressesOf, isAllowed = () => true }: ConnectorOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const family = isIP(hostname);
  const found = family === 0 ? await addressesOf(hostname) : [{ address: hostname, family }];
  // The addresses that are judged are those that are connected to: a name may mean another one the next time.
  const addresses = found.filter(({ address }) => isAllowed(address));
  if (addresses.length < found.length && addresses.length === 0) throw new AddressRefusedError(hostname);
  const usualPort = protocol === 'https:' ? 443 : 80;
  const options = {
    port: port === '' ? usualPort : Number(port),
    highWaterMark: READ_BUFFER_BYTES,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
    ...(typeof localAddress === 'string' && { localAddress }),
  };
  return await firstConnection(
    alternating(addresses),
    ({ address }) => connect({ ...options, host: address }),
    { delayMs: ATTEMPT_DELAY_MS, signal },
  );
}

/** Takes addresses of both versions in turn, beginning with the first. @see RFC 8305, section 4 */
function alternating(addresses: readonly LookupAddress[]): LookupAddress[] {
  const [first] = addresses;
  const preferred = addresses.filter(({ family }) => family === first?.family);
  const others = addresses.filter(({ family }) => family !== first?.family);
  const longest = Math.max(preferred.length, others.length);
  return Array.from({ length: longest }, (_, index) => [preferred[index], others[index]])
    .flat()
    .filter((address) => address !== undefined);
}

async function secured(secure: Connector, target: Target): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    secure(target, (...[error, socket]) => {
      if (error === null) resolve(socket);
      else reject(error);
    });
  });
}

/** Rejects after `timeoutMs`, and closes a socket that comes later. */
async function withinTime(
  open: (signal: AbortSignal) => Promise<Socket>,
  timeoutMs: number,
): Promise<Socket> {
  const end = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new errors.ConnectTimeoutError(`no connection within ${timeoutMs} ms`);
      reject(error);
      end.abort(error);
    }, timeoutMs);
  });
  const opening = open(end.signal);
  try {
    return await Promise.race([opening, late]);
  } catch (error) {
    void opening.then((socket) => socket.destroy()).catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A server refuses a client's certificate (TLS 1.3) only after the connection stands, with an alert and then the end:
 * undici would report the end.
 */
function endAtFirstError(socket: Socket): void {
  socket.once('error', (error) => socket.destroy(error));
}
