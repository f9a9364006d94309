import type { Socket } from 'node:net';
import { hasCode } from '../system-error.ts';

/** Timing of connection attempts. */
export interface Patience {
  /** Wait for one address before the next one is tried beside it. */
  readonly delayMs: number;
  /** Ends all attempts; they are waited for until then. */
  readonly signal: AbortSignal;
}

/** Says that this machine has no way to an address, and nothing about the server. */
const NO_WAY = ['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'] as const;

/**
 * The first connection that stands, to one of `addresses`, at least one. The next address is tried as soon as one fails,
 * or has not answered for `delayMs`; earlier attempts continue meanwhile, so that neither a dead address nor a slow server
 * is in the way.
 *
 * @see RFC 8305, section 5
 * @param open begins a connection
 * @throws the error that says most where all addresses fail; the reason of the signal
 */
export async function firstConnection<Address>(
  addresses: readonly Address[],
  open: (address: Address) => Socket,
  { delayMs, signal }: Patience,
): Promise<Socket> {
  const pending = new Map<Socket, () => unknown>();
  const left = addresses[Symbol.iterator]();
  const errors: Error[] = [];
  let timer: NodeJS.Timeout | undefined;
  const over = new AbortController();
  try {
    return await new Promise<Socket>((resolve, reject) => {
      // Bounded: by the number of addresses.
      const next = (): void => {
        clearTimeout(timer);
        const { value: address, done } = left.next();
        if (done === true) {
          if (pending.size === 0) reject(mostTelling(errors));
          return;
        }
        const socket = open(address);
        const fail = (error: Error): void => {
          pending.delete(socket);
          errors.push(error);
          next();
        };
        const forget = (): unknown => socket.off('error', fail);
        pending.set(socket, forget);
        socket.once('error', fail);
        socket.once('connect', () => {
          forget();
          pending.delete(socket);
          resolve(socket);
        });
        timer = setTimeout(next, delayMs);
      };
      const stop = (): void => reject(asError(signal.reason));
      signal.addEventListener('abort', stop, { signal: over.signal });
      if (signal.aborted) stop();
      else next();
    });
  } finally {
    clearTimeout(timer);
    over.abort();
    for (const [socket, forget] of pending) {
      forget();
      socket.on('error', () => undefined).destroy();
    }
  }
}

function mostTelling(errors: readonly Error[]): Error {
  const [first = new Error('there is no address')] = errors;
  return errors.find((error) => !hasCode(error, ...NO_WAY)) ?? first;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
