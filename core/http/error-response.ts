import { z } from 'zod';
import { Failure } from '../failure.ts';
import { parseIfValid } from '../json.ts';
import { localTimeWithSeconds } from '../text.ts';
import { formatReference } from '../oci/reference.ts';
import { RangeRefused } from './range.ts';
import { describeSubject } from './subject.ts';
import type { Subject } from './subject.ts';

/** An answer other than the one wanted. */
export interface ErrorResponse {
  readonly status: number;
  /** Where the answer came from: not always the registry's host. */
  readonly host: string;
  /** Where the credentials were found that were sent; `undefined` for anonymous access. */
  readonly credentials: string | undefined;
  /** Error codes of the answer's body, such as `NAME_UNKNOWN`. */
  readonly errorCodes: readonly string[];
  /** What `Retry-After` asks for. */
  readonly retryAfterMs: number | undefined;
}

/** How long to wait at most because a server asks for it. */
export const MAXIMUM_WAIT_MS = 60_000;

const errorsSchema = z.object({ errors: z.array(z.object({ code: z.string() })) });
const ERROR_CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/**
 * The failure that an answer means. The server's own text is left out: it is not ours to trust or to publish.
 *
 * @see OCI distribution specification 1.1, "Error Codes"
 */
export function toFailure(refusal: ErrorResponse, subject: Subject): Failure {
  switch (refusal.status) {
    case 401:
      return unauthorized(refusal, subject);
    case 403:
      return forbidden(refusal, subject);
    case 404:
      return unknown(refusal, subject);
    case 416:
      return new RangeRefused(sentence(refusal, subject, 'cannot give'));
    case 429:
      return rateLimited(refusal, subject);
    default:
      return unexpected(refusal, subject);
  }
}

/**
 * Whether the same request may be answered otherwise in a moment. 501 and 505 say what the server cannot do at all.
 *
 * @see RFC 9110, sections 15.5.9 and 15.6; RFC 8470 for 425; RFC 6585 for 429
 */
export function isRetryable(status: number): boolean {
  if (status === 501 || status === 505) return false;
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

/** The error codes in the body of an answer; none where it is something else. */
export function errorCodesOf(body: string): string[] {
  const errors = parseIfValid(errorsSchema, body)?.errors ?? [];
  return errors.map(({ code }) => code).filter((code) => ERROR_CODE.test(code));
}

/**
 * The time that `Retry-After` asks for, counted from `nowMs`; `undefined` where it says nothing readable.
 *
 * @see RFC 9110, section 10.2.3
 */
export function parseRetryAfter(field: string, nowMs: number): number | undefined {
  if (/^\d{1,9}$/.test(field)) return Number(field) * 1000;
  if (!/^[A-Z][a-z]{2}/.test(field)) return undefined;
  const time = Date.parse(field);
  return Number.isNaN(time) ? undefined : Math.max(0, time - nowMs);
}

function unauthorized(refusal: ErrorResponse, subject: Subject): Failure {
  const { credentials } = refusal;
  const access =
    credentials === undefined
      ? `a private image needs credentials: "podman login" or "docker login" as the user that runs unpackd, or ${subject.reference.registry} under registries in its configuration`
      : `and what is in ${credentials}`;
  return new Failure(
    'unauthorized',
    `${sentence(refusal, subject, 'does not give out')}${sentWith(refusal)}`,
    {
      hint: `check the name, since some registries answer so for images that do not exist; ${access}`,
    },
  );
}

function forbidden(refusal: ErrorResponse, subject: Subject): Failure {
  return new Failure('forbidden', `${sentence(refusal, subject, 'forbids')}${sentWith(refusal)}`, {
    hint: 'check the name, and whether that user, or anybody, may pull it',
  });
}

function unknown(refusal: ErrorResponse, subject: Subject): Failure {
  const { reference, kind } = subject;
  const repository = `${reference.registry}/${reference.repository}`;
  const answer = `${refusal.host} answered ${answerOf(refusal)}`;
  if (kind === 'tag list' || (kind === 'manifest' && refusal.errorCodes.includes('NAME_UNKNOWN'))) {
    const image = kind === 'tag list' ? '' : ` (asked for ${formatReference(reference)})`;
    return new Failure('image-unknown', `there is no image ${repository}${image}: ${answer}`, {
      hint: 'correct the name, or remove the image from the wishlist',
    });
  }
  if (kind === 'manifest') {
    const version =
      reference.digest === undefined ? `tag ${reference.tag ?? 'latest'}` : `digest ${reference.digest}`;
    return new Failure('tag-unknown', `the image ${repository} has no ${version}: ${answer}`, {
      hint: 'correct it, or remove the image from the wishlist; it may have been deleted from the registry',
    });
  }
  if (kind === 'blob') {
    return new Failure('blob-unknown', sentence(refusal, subject, 'lacks'), {
      hint: 'the image is broken in the registry: push it again',
    });
  }
  return unexpected(refusal, subject);
}

function rateLimited(refusal: ErrorResponse, subject: Subject): Failure {
  return new Failure(
    'rate-limited',
    `${sentence(refusal, subject, 'does not give out')}: too many requests${until(refusal)}`,
    {
      hint: 'try again later; with credentials most registries allow more requests',
    },
  );
}

function unexpected(refusal: ErrorResponse, subject: Subject): Failure {
  return new Failure('registry-error', `${sentence(refusal, subject, 'cannot give')}${until(refusal)}`, {
    hint: isRetryable(refusal.status) ? 'try again later' : 'ask whoever runs the registry',
  });
}

function sentence(refusal: ErrorResponse, subject: Subject, verb: string): string {
  const { registry } = subject.reference;
  return `the registry ${registry} ${verb} ${describeSubject(subject)}: ${refusal.host} answered ${answerOf(refusal)}`;
}

function sentWith({ credentials }: ErrorResponse): string {
  return credentials === undefined ? ', asked without credentials' : `, asked with those from ${credentials}`;
}

function answerOf({ status, errorCodes }: ErrorResponse): string {
  return errorCodes.length === 0
    ? `${status}`
    : `${status} (${[...new Set(errorCodes)].slice(0, 3).join(', ')})`;
}

function until({ retryAfterMs }: ErrorResponse): string {
  return retryAfterMs === undefined ? '' : ` until ${localTimeWithSeconds(Date.now() + retryAfterMs)}`;
}
