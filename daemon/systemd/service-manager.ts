import type { Environment } from '../configuration/options.ts';
import { redact } from '../configuration/secrets.ts';
import { sendDatagram } from './datagram.ts';

/**
 * Reports to the manager that started this service, by the protocol of sd_notify(3). Does nothing if no manager listens;
 * one that cannot be reached is no reason to stop: it notices the silence.
 */
export class ServiceManager {
  /** Interval between calls of {@link alive}: half of what the manager allows; `undefined` if it does not watch. */
  readonly watchdogIntervalMs: number | undefined;
  readonly #socket: string | undefined;

  /** The manager that `NOTIFY_SOCKET` names, with the watchdog of `WATCHDOG_USEC` (sd_watchdog_enabled(3)). */
  constructor(environment: Environment) {
    this.#socket = notifySocket(environment);
    this.watchdogIntervalMs = this.#socket === undefined ? undefined : watchdogInterval(environment);
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

  /** Feeds the watchdog. */
  alive(): void {
    this.#notify('WATCHDOG=1');
  }

  #notify(message: string): void {
    if (this.#socket === undefined) return;
    try {
      sendDatagram(this.#socket, Buffer.from(message));
    } catch {
      // The service matters more than its reports.
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

const STATUS_INTERVAL_MS = 1000;

/**
 * Feeds the watchdog while timers fire, so while nothing is stuck, and reports the status whenever it has changed.
 *
 * @param text the current status; `undefined`: unchanged
 * @returns a function that stops both
 */
export function giveSignsOfLife(manager: ServiceManager, text: () => string | undefined): () => void {
  let reported: string | undefined;
  const status = setInterval(() => {
    const current = text();
    if (current === undefined || current === reported) return;
    manager.status(current);
    reported = current;
  }, STATUS_INTERVAL_MS);
  const { watchdogIntervalMs } = manager;
  const watchdog =
    watchdogIntervalMs === undefined ? undefined : setInterval(() => manager.alive(), watchdogIntervalMs);
  return () => {
    clearInterval(status);
    clearInterval(watchdog);
  };
}
