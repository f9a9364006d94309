import type { OutputStream } from './display.ts';

/** A reader that goes away (`unpackd … | head`) must not end a run that publishes. */
export function surviveClosedPipe(stream: OutputStream): void {
  if (!stream.listeners('error').includes(ignoreClosedPipe)) stream.on('error', ignoreClosedPipe);
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
