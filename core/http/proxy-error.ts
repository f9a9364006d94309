/** A proxy cannot be reached or refuses; it never says with which user. */
export class ProxyError extends Error {
  /** With its port, where it has one. */
  readonly host: string;
  /** What it answered; `undefined` where the cause is an error of the connection to it. */
  readonly status: number | undefined;

  constructor(host: string, { status, cause }: { status?: number; cause?: unknown }) {
    super(`the proxy ${host} does not connect`, { cause });
    this.host = host;
    this.status = status;
  }
}
