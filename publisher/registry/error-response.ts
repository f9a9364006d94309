import { z } from 'zod';
import { Failure } from '../../core/failure.ts';
import type { ErrorResponse, HttpFault, Subject } from '../../core/http/fault.ts';
import { RangeRefused } from '../../core/http/response.ts';
import { isRetryable } from '../../core/http/retry.ts';
import { parseIfValid } from '../../core/json.ts';
import { formatReference, describeSubject, type ImageSubject } from '../../core/oci/reference.ts';
import { localTimeWithSeconds } from '../../core/text.ts';

const errorsSchema = z.object({ errors: z.array(z.object({ code: z.string() })) });
/** Of manifests and, in Harbor, of whatever it does not have. */
const ABSENT: ReadonlySet<string> = new Set(['MANIFEST_UNKNOWN', 'NOT_FOUND']);
const ERROR_CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/** A registry has no manifest for a tag or digest, or says so for want of rights, or something in between says it. */
export class ManifestUnknown extends Failure {
  /** The server that was asked has answered itself, whole, and says nothing else. */
  readonly isPlain: boolean;
  /** As {@link ErrorResponse.credentials}. */
  readonly credentials: string | undefined;

  constructor(message: string, response: ErrorResponse) {
    super('tag-unknown', message, {
      hint: 'correct it, or no longer ask for it; it may have been deleted from the registry',
    });
    this.isPlain = response.isDirect && saysAbsent(response.body);
    this.credentials = response.credentials;
  }
}

/** What a request to a registry is about: its failures name the registry and the image. */
export function aboutImage(image: ImageSubject): Subject {
  const purpose = image.kind === 'manifest' ? 'pull' : image.kind === 'token' ? 'token' : undefined;
  return { purpose, toFailure: (fault) => toFailure(fault, image) };
}

/** Words a fault of a request for a document of an image. @internal */
export function toFailure(fault: HttpFault, image: ImageSubject): Failure {
  const server = `the registry ${image.reference.registry}`;
  const what = describeSubject(image);
  switch (fault.kind) {
    case 'network':
      return networkFailure(fault, image);
    case 'response':
      return responseFailure(fault.response, image);
    case 'redirect':
      return registryError(`${server} ${fault.reason} for ${what}`);
    case 'too-large':
      return new Failure(
        fault.limit.code,
        `${server} sends more than ${fault.limit.bytes} bytes for ${what}`,
        { hint: 'ask whoever runs the registry; no usual document of this kind is that large' },
      );
    case 'paused': {
      const time = localTimeWithSeconds(fault.untilMs);
      const message = `${server} is not asked for ${what} until ${time}: ${fault.host} ${fault.reason}`;
      return new Failure('rate-limited', message, { hint: MORE_WITH_CREDENTIALS });
    }
  }
}

/** A mistake of the registry, which nobody else can mend. */
export function registryError(message: string): Failure {
  return new Failure('registry-error', message, { hint: 'ask whoever runs the registry' });
}

const MORE_WITH_CREDENTIALS = 'try again later; with credentials most registries allow more requests';

/** A redirect's address may hold a signature: only its host is named. */
function networkFailure(
  { error, url, cause }: Extract<HttpFault, { kind: 'network' }>,
  image: ImageSubject,
): Failure {
  const { registry } = image.reference;
  const place = url.host === registry ? '' : ` (at ${url.host})`;
  const problem = error.code === 'registry-error' ? 'does not properly answer' : 'cannot be reached';
  const message = `the registry ${registry}${place} ${problem} for ${describeSubject(image)}: ${error.reason}`;
  return new Failure(error.code, message, { hint: error.hint, cause });
}

/**
 * The failure that an answer means. The server's own text is left out: it is not ours to trust or to publish.
 *
 * @see OCI distribution specification 1.1, "Error Codes"
 */
function responseFailure(response: ErrorResponse, subject: ImageSubject): Failure {
  switch (response.status) {
    case 401:
      return unauthorized(response, subject);
    case 403:
      return forbidden(response, subject);
    case 404:
      return unknown(response, subject);
    case 416:
      return new RangeRefused(sentence(response, subject, 'cannot give'));
    case 429:
      return rateLimited(response, subject);
    default:
      return unexpected(response, subject);
  }
}

/** Nothing, as some registries answer, or error codes of nothing else: other text is of something in between. */
function saysAbsent(body: string | undefined): boolean {
  if (body === undefined) return false;
  if (body === '') return true;
  const errors = parseIfValid(errorsSchema, body)?.errors ?? [];
  return errors.length > 0 && errors.every(({ code }) => ABSENT.has(code));
}

/** The error codes in the body of an answer; none where it is something else. @internal */
export function errorCodesOf(body: string | undefined): string[] {
  const errors = parseIfValid(errorsSchema, body)?.errors ?? [];
  return errors.map(({ code }) => code).filter((code) => ERROR_CODE.test(code));
}

function unauthorized(response: ErrorResponse, subject: ImageSubject): Failure {
  const { credentials } = response;
  const access =
    credentials === undefined
      ? `a private image needs credentials: "podman login" or "docker login" as the user that runs unpackd, or ${subject.reference.registry} under registries in its configuration`
      : `and what is in ${credentials}`;
  const message = `${sentence(response, subject, 'does not give out')}${sentWith(response)}`;
  return new Failure('unauthorized', message, {
    hint: `check the name, since some registries answer so for images that do not exist; ${access}`,
  });
}

function forbidden(response: ErrorResponse, subject: ImageSubject): Failure {
  return new Failure('forbidden', `${sentence(response, subject, 'forbids')}${sentWith(response)}`, {
    hint: 'check the name, and whether that user, or anybody, may pull it',
  });
}

function unknown(response: ErrorResponse, subject: ImageSubject): Failure {
  const { reference, kind } = subject;
  const repository = `${reference.registry}/${reference.repository}`;
  const answer = `${response.host} answered ${answerOf(response)}`;
  if (kind === 'tag list' || (kind === 'manifest' && errorCodesOf(response.body).includes('NAME_UNKNOWN'))) {
    const image = kind === 'tag list' ? '' : ` (asked for ${formatReference(reference)})`;
    return new Failure('image-unknown', `there is no image ${repository}${image}: ${answer}`, {
      hint: 'correct the name, or no longer ask for the image',
    });
  }
  if (kind === 'manifest') {
    const version =
      reference.digest === undefined ? `tag ${reference.tag ?? 'latest'}` : `digest ${reference.digest}`;
    return new ManifestUnknown(`the image ${repository} has no ${version}: ${answer}`, response);
  }
  if (kind === 'blob') {
    return new Failure('blob-unknown', sentence(response, subject, 'lacks'), {
      hint: 'the image is broken in the registry: push it again',
    });
  }
  return unexpected(response, subject);
}

function rateLimited(response: ErrorResponse, subject: ImageSubject): Failure {
  const message = `${sentence(response, subject, 'does not give out')}: too many requests${until(response)}`;
  return new Failure('rate-limited', message, { hint: MORE_WITH_CREDENTIALS });
}

function unexpected(response: ErrorResponse, subject: ImageSubject): Failure {
  const message = `${sentence(response, subject, 'cannot give')}${until(response)}`;
  if (!isRetryable(response.status)) return registryError(message);
  return new Failure('registry-error', message, { hint: 'try again later' });
}

function sentence(response: ErrorResponse, subject: ImageSubject, verb: string): string {
  const { registry } = subject.reference;
  return `the registry ${registry} ${verb} ${describeSubject(subject)}: ${response.host} answered ${answerOf(response)}`;
}

function sentWith({ credentials }: ErrorResponse): string {
  return credentials === undefined ? ', asked without credentials' : `, asked with those from ${credentials}`;
}

function answerOf({ status, body }: ErrorResponse): string {
  const errorCodes = [...new Set(errorCodesOf(body))].slice(0, 3);
  return errorCodes.length === 0 ? `${status}` : `${status} (${errorCodes.join(', ')})`;
}

function until({ retryAfterMs }: ErrorResponse): string {
  return retryAfterMs === undefined ? '' : ` until ${localTimeWithSeconds(Date.now() + retryAfterMs)}`;
}
