import { redact } from '../configuration/secrets.ts';
import type { Environment } from '../configuration/options.ts';
import { sendDatagram } from './datagram.ts';

/**
 * What a service tells the manager that started it, by the protocol of sd_notify(3). Where no manager listens, nothing is
 * told; one that cannot be reached is no reason to stop: it notices by itself that nothing comes.
 */
export class ServiceManager {
  /** How often {@link alive} is to be called, twice within what the manager allows; undefined where it does not watch. */
  readonly watchdogIntervalMs: number | undefined;
  readonly #socket: string | undefined;

  private constructor(socket: string | undefined, watchdogIntervalMs: number | undefined) {
    this.#socket = socket;
    this.watchdogIntervalMs = socket === undefined ? undefined : watchdogIntervalMs;
  }

  /** The manager that `NOTIFY_SOCKET` names; what it watches is in `WATCHDOG_USEC` (sd_watchdog_enabled(3)). */
  static of(environment: Environment): ServiceManager {
    return new ServiceManager(notifySocket(environment), watchdogInterval(environment));
  }

  /** The service is up; also after {@link reloading}, when the new configuration is in force or refused. */
  ready(): void {
    this.#notify('READY=1');
  }

  /** Shows `text` in `systemctl status`, as one line. */
  status(text: string): void {
    this.#notify(`STATUS=${redact(text)}`);
  }

  /** The configuration is read again; {@link ready} ends it. */
  reloading(): void {
    this.#notify(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  }

  stopping(): void {
    this.#notify('STOPPING=1');
  }

  /** Asks for `ms` more, from now on, until what runs (start, reload or stop) counts as failed. */
  extendTimeout(ms: number): void {
    this.#notify(`EXTEND_TIMEOUT_USEC=${Math.round(ms * 1000)}`);
  }

  /** The watchdog has nothing to bark at. */
  alive(): void {
    this.#notify('WATCHDOG=1');
  }

  #notify(message: string): void {
    if (this.#socket === undefined) return;
    try {
      sendDatagram(this.#socket, Buffer.from(message));
    } catch {
      // What the service does matters more than who is told.
    }
  }
}

/** A path or `@NAME`; systemd's other kind, `vsock:`, is for whole virtual machines. */
function notifySocket({ NOTIFY_SOCKET: socket = '' }: Environment): string | undefined {
  return /^[/@]./.test(socket) ? socket : undefined;
}

function watchdogInterval({ WATCHDOG_USEC: limit, WATCHDOG_PID: pid }: Environment): number | undefined {
  if (pid !== undefined && Number(pid) !== process.pid) return undefined;
  const limitMs = Number(limit) / 1000;
  return limitMs > 0 && Number.isFinite(limitMs) ? limitMs / 2 : undefined;
}
