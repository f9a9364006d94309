import type { Failure, FailureCode } from '../failure.ts';

/** Subject of a request. It words what goes wrong with the request, so that HTTP itself knows nothing of images or recipes. */
export interface Subject {
  /** `pull`: a GET counts against the server's rate limit. `token`: it has a time limit apart from what waits for it. */
  readonly purpose?: 'pull' | 'token' | undefined;
  toFailure(fault: HttpFault): Failure;
}

/** Why a request failed. */
export type HttpFault =
  | { readonly kind: 'network'; readonly error: NetworkError; readonly url: URL; readonly cause?: unknown }
  | { readonly kind: 'response'; readonly response: ErrorResponse }
  /** `reason` follows the name of the server: `redirects in circles`. */
  | { readonly kind: 'redirect'; readonly reason: string }
  | { readonly kind: 'too-large'; readonly limit: SizeLimit }
  /** It was not sent, since the server wants no requests until `untilMs`, the time of day. */
  | { readonly kind: 'paused'; readonly host: string; readonly untilMs: number; readonly reason: string };

/** An answer other than the one wanted. */
export interface ErrorResponse {
  readonly status: number;
  /** Host that answered: not always the one that was asked. */
  readonly host: string;
  /** Origin of the credentials that were sent; `undefined` for anonymous access. */
  readonly credentials: string | undefined;
  /** `undefined` where it did not come whole. */
  readonly body: string | undefined;
  /** It comes from the address that was asked, not from where a redirect led. */
  readonly isDirect: boolean;
  /** Wait that `Retry-After` asks for. */
  readonly retryAfterMs: number | undefined;
}

/** Largest size of a body, and the code of the failure for a larger one. */
export interface SizeLimit {
  readonly bytes: number;
  readonly code: FailureCode;
}

export type NetworkErrorCode = Extract<
  FailureCode,
  | 'registry-unreachable'
  | 'registry-timeout'
  | 'dns-failed'
  | 'address-refused'
  | 'tls-failed'
  | 'registry-error'
>;

/** Why a connection came to nothing, for messages and for the decision to try again. */
export interface NetworkError {
  /** Such as `connection refused`. */
  readonly reason: string;
  readonly hint: string;
  /** Most tries, the first included: a fault that lasts is not worth waiting for. */
  readonly maximumTries: number;
  /** `registry-error` where the server was there but its answer broke off or was not valid HTTP. */
  readonly code: NetworkErrorCode;
  /** An answer had begun, and no more bytes came, or too few. */
  readonly isStall: boolean;
}
