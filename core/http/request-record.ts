import type { Answer } from './answer.ts';
import type { Exchange } from './connections.ts';

/** One exchange over HTTP that has ended. Nothing in it is secret. */
export interface RequestRecord {
  readonly method: string;
  /** Without user, password and query. */
  readonly url: string;
  /** `undefined` where no answer came. */
  readonly status: number | undefined;
  /** Why it did not come to its proper end. */
  readonly error: string | undefined;
  /** From when it was sent, its waiting for others not included. */
  readonly durationMs: number;
  /** 1 for the first; redirects and answers to challenges belong to the same try. */
  readonly tryNumber: number;
  /** Of the body, as far as it was read. */
  readonly bytes: number;
  /** Whether it carried an `Authorization`. */
  readonly isAuthorized: boolean;
}

/** Notes an exchange that begins now. What it returns is to be called when it has ended, once. */
export function beginRecord(
  { method, url, tryNumber, headers }: Pick<Exchange, 'method' | 'url' | 'tryNumber' | 'headers'>,
  onRequest: (record: RequestRecord) => void,
): (answer: Pick<Answer, 'status' | 'received'> | undefined, error: string | undefined) => void {
  const beganMs = performance.now();
  return (answer, error) => {
    onRequest({
      method,
      url: `${url.origin}${url.pathname}`,
      status: answer?.status,
      error,
      durationMs: performance.now() - beganMs,
      tryNumber,
      bytes: answer?.received.bytes ?? 0,
      isAuthorized: headers['authorization'] !== undefined,
    });
  };
}
