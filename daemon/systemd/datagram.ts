import { closeSync } from 'node:fs';
import { failedWith, libc, systemError } from '../../core/system/libc.ts';

const cSocket = libc.func('int socket(int, int, int)');
const cConnect = libc.func('int connect(int, const uint8_t *, uint32_t)');
const cSend = libc.func('long send(int, const uint8_t *, size_t, int)');
const cPoll = libc.func('int poll(_Inout_ int32_t *, unsigned long, int)');

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const POLLOUT = 4;
/** `sun_path` of unix(7), with the zero byte that ends a path. */
const PATH_BYTES = 108;

/**
 * Sends `payload` as one datagram to the AF_UNIX socket `address`: a path, or `@NAME` for one in the abstract namespace
 * (unix(7)). Node itself has no such sockets. A receiver whose queue is full is waited for, at most `waitMs`: that
 * blocks the process, as it would in systemd's own library.
 *
 * @throws Error as Node's own, with `code`: `EMSGSIZE` where the payload is too long for the socket, `EAGAIN` where the
 *   receiver did not take it in time, `ENOENT` or `ECONNREFUSED` where nobody listens.
 */
export function sendDatagram(address: string, payload: Buffer, waitMs = 1000): void {
  // A socket for each datagram: the receiver may have been restarted since the last one.
  const socket: number = cSocket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket === -1) throw systemError('socket', address);
  try {
    const name = socketName(address);
    if (cConnect(socket, name, name.length) !== 0) throw systemError('connect', address);
    sendWithin(waitMs, socket, address, payload);
  } finally {
    closeSync(socket);
  }
}

function sendWithin(waitMs: number, socket: number, address: string, payload: Buffer): void {
  const deadline = performance.now() + waitMs;
  while (cSend(socket, payload, payload.length, MSG_DONTWAIT | MSG_NOSIGNAL) === -1) {
    // Asked at once: other calls set their own.
    const full = failedWith('EAGAIN');
    const interrupted = failedWith('EINTR');
    const error = systemError('send', address);
    const leftMs = Math.ceil(deadline - performance.now());
    if (!interrupted && !(full && leftMs > 0)) throw error;
    if (full) waitUntilWritable(socket, leftMs);
  }
}

/** Returns when a datagram can be sent, or after `ms`, or earlier: the caller tries in any case. */
function waitUntilWritable(socket: number, ms: number): void {
  // struct pollfd: the descriptor, then `events` and `revents` of 16 bits each
  const events = new Int16Array([POLLOUT, 0]);
  const descriptor = new Int32Array([socket, new Int32Array(events.buffer)[0] ?? 0]);
  cPoll(descriptor, 1, ms);
}

/** A `struct sockaddr_un`, as long as its name makes it. */
function socketName(address: string): Buffer {
  const family = Buffer.from(new Uint16Array([AF_UNIX]).buffer);
  const abstract = address.startsWith('@');
  const path = Buffer.from(abstract ? `\0${address.slice(1)}` : `${address}\0`);
  if (path.length > PATH_BYTES) {
    throw Object.assign(new Error(`ENAMETOOLONG: connect '${address}'`), { code: 'ENAMETOOLONG' });
  }
  return Buffer.concat([family, path]);
}
