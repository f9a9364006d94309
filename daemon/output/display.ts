import type { Event } from '../../publisher/image/events.ts';

/** Where text goes: standard output, standard error, or a test's buffer. */
export type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** What standard error shows while a run goes on. */
export interface Display {
  readonly observe: (event: Event) => void;
  /** Shows one finished line of its own (a warning, a failure): never torn by what moves. */
  readonly line: (text: string) => void;
  /** Shows how the run ended, where what happens is shown. */
  readonly summary: (text: string) => void;
  /** Takes away what moves. Lines still come out after it. */
  readonly stop: () => void;
}
