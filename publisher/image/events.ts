import type { OutputName } from '../../core/outputs.ts';
import type { Digest } from '../../core/oci/digest.ts';
import type { RequestRecord } from '../../core/http/options.ts';
import { type Failure, type FailureCode, stackOf } from '../../core/failure.ts';

/**
 * Progress of a run, for its observers: the progress display, the notification file, the journal.
 * An observer must not throw, and is never waited for.
 */
export type Event =
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'warning'; readonly message: string }
  /** A mistake in unpackd, for which the image fails; `stack` has several lines. */
  | { readonly type: 'bug'; readonly image: string; readonly stack: string }
  /** Blocked until another process has ended something. */
  | { readonly type: 'waiting'; readonly message: string }
  /** A registry, or a server in its name, was asked. Only for logs that want it, since there are thousands. */
  | ({ readonly type: 'request' } & RequestRecord)
  /** The images of this run are known. */
  | { readonly type: 'images'; readonly count: number }
  | { readonly type: 'image-started'; readonly image: string }
  /** Not a container image, and only a pattern matched it. */
  | { readonly type: 'image-passed-over'; readonly image: string }
  /** What is published of it was compared with what should be. */
  | { readonly type: 'image-verified'; readonly image: string }
  | { readonly type: 'image-finished'; readonly image: string; readonly result: ImageResult }
  /** Its public name was taken back. */
  | { readonly type: 'image-removed'; readonly image: string; readonly reason: string }
  /** A layer's download begins; `sizeBytes` is what the manifest says. */
  | {
      readonly type: 'layer-started';
      readonly image: string;
      readonly layer: Digest;
      readonly sizeBytes: number;
    }
  /** `bytes` more of a layer have arrived. */
  | { readonly type: 'layer-bytes'; readonly layer: Digest; readonly bytes: number }
  | {
      readonly type: 'layer-finished';
      readonly image: string;
      readonly layer: Digest;
      readonly sizeBytes: number;
      readonly error: string | undefined;
    }
  | {
      readonly type: 'publication-started';
      readonly repository: string;
      readonly images: number;
      readonly contentBytes: number;
      /** Of a publication that comes from no image. */
      readonly title?: string;
    }
  /** `bytes` more of the `contentBytes` have been handed over. */
  | { readonly type: 'publication-bytes'; readonly bytes: number }
  | {
      readonly type: 'publication-finished';
      readonly repository: string;
      readonly layers: readonly Digest[];
      /** New revision of the repository; `undefined` where it has none, or nothing was published. */
      readonly revision?: number | undefined;
      /** Time for which cvmfs_server had nothing to read; `undefined` where it is not used. */
      readonly inputWaitMs?: number | undefined;
      readonly error: string | undefined;
      /** Of a failure. */
      readonly code?: FailureCode;
    };

export type Observer = (event: Event) => void;

/** Outcome of one image. */
export type ImageResult =
  | {
      readonly outcome: 'published' | 'unchanged';
      readonly config: Digest;
      /** Both paths are relative to the repository's root. */
      readonly publicPath: string;
      readonly flatPath: string | undefined;
      /** Why it is published without one of the outputs it is wanted in: the next run tries again. */
      readonly leftOut?: FailureText & { readonly output: OutputName };
    }
  | ({ readonly outcome: 'failed' } & FailureText);

/** A failure as it is reported. */
export interface FailureText {
  readonly code: FailureCode;
  readonly message: string;
  readonly hint: string | undefined;
}

/** The result of an image that `failure` kept from being published. */
export function failedResult(failure: Failure): ImageResult {
  return { outcome: 'failed', ...failureText(failure) };
}

export function failureText({ code, message, hint }: Failure): FailureText {
  return { code, message, hint };
}

/** Keeps a failing observer from ending the work that it observes: its own error is reported to it as a bug. */
export function contained(observe: Observer): Observer {
  return (event) => {
    try {
      observe(event);
    } catch (error) {
      report(observe, { type: 'bug', image: subjectOf(event), stack: stackOf(error) });
    }
  };
}

/** Passes each event to all `observers`, whether or not one of them throws. */
export function toAll(...observers: readonly Observer[]): Observer {
  const all = observers.map(contained);
  return (event) => {
    for (const observe of all) observe(event);
  };
}

function report(observe: Observer, bug: Event): void {
  try {
    observe(bug);
  } catch {
    // Nobody is left to report to.
  }
}

function subjectOf(event: Event): string {
  return 'image' in event ? event.image : event.type;
}
