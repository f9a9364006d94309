import { randomUUID } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { Failure } from '../../core/failure.ts';
import { type Digest, hexOf } from '../../core/oci/digest.ts';
import { isSystemError } from '../../core/system-error.ts';
import { quoted } from '../../core/text.ts';
import type { Observer } from '../../publisher/image/events.ts';
import { redact } from '../configuration/secrets.ts';
import { type EventHandlers, handleEvent } from '../output/display.ts';

export interface Notification {
  readonly observe: Observer;
  /** Ends open lines as failed, and writes the last line. */
  readonly close: () => void;
}

export interface NotificationOptions {
  readonly file: string;
  /** Flat root file systems are not published, so their lines are left out. */
  readonly skipFlat: boolean;
  /** Called once, when a line cannot be written. */
  readonly warn: (message: string) => void;
  readonly now?: () => Date;
}

/**
 * Appends DUCC's notification lines to a file: one JSON object a line, all values strings, one write a line.
 *
 * @throws Failure `configuration-invalid` where the file cannot be opened.
 * @see ducc/notification/notification.go of cvmfs, for the form of the lines
 */
export function openNotification({
  file,
  skipFlat,
  warn,
  now = () => new Date(),
}: NotificationOptions): Notification {
  const lineFile = openLineFile(file, warn);
  const write = (fields: Fields): void => lineFile.write(formatLine(fields, now()));
  const begin = (action: string, fields: Fields): Line => {
    const start = now();
    write({ ...fields, action });
    return {
      end: (endAction, more = {}) => {
        const elapsed = ((now().getTime() - start.getTime()) / 1000).toFixed(6);
        write({ ...fields, ...more, action: endAction, time_elapsed_s: elapsed });
      },
    };
  };

  const run = begin('start_ducc', { pid: String(process.pid) });
  const layers = createLayerLines(begin, write);
  const images = createImageLines(begin, write);
  const removals: EventHandlers = {
    'image-removed': ({ image, reason }) => write({ action: 'remove_image', image, reason }),
  };
  return {
    observe: (event) => {
      handleEvent(layers.handlers, event);
      if (!skipFlat) handleEvent(images.handlers, event);
      handleEvent(removals, event);
    },
    close: () => {
      layers.endAll();
      images.endAll();
      run.end('end_ducc');
      lineFile.close();
    },
  };
}

/** DUCC has keys in alphabetical order. */
function formatLine(fields: Fields, time: Date): string {
  const shown = Object.entries(fields).map(([key, value]): [string, string] => [key, redact(value)]);
  const entries = [...shown, ['time', formatTime(time)] as const].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(entries));
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Local time as DUCC writes it, Go's `_2 Jan 2006 - 15:04:05.000`: ` 3 Feb 2026 - 04:05:06.007`. @internal */
export function formatTime(time: Date): string {
  const day = String(time.getDate()).padStart(2, ' ');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  const milliseconds = String(time.getMilliseconds()).padStart(3, '0');
  return `${day} ${MONTHS[time.getMonth()] ?? ''} ${time.getFullYear()} - ${clock}.${milliseconds}`;
}

/** A file that lines are appended to, for readers that follow it. */
interface LineFile {
  /** Appends `line` and a newline in one write, so that no reader and no other writer sees half a line. */
  readonly write: (line: string) => void;
  readonly close: () => void;
}

/**
 * @param warn called once when a line cannot be written; later lines are still tried
 * @throws Failure `configuration-invalid` where the file cannot be opened.
 */
function openLineFile(file: string, warn: (message: string) => void): LineFile {
  const descriptor = openToAppend(file);
  let warned = false;
  return {
    write: (line) => {
      try {
        writeSync(descriptor, `${line}\n`);
      } catch (error) {
        if (!isSystemError(error)) throw error;
        if (!warned) warn(`the notification file ${quoted(file)} cannot be written (${error.code})`);
        warned = true;
      }
    },
    close: () => closeSync(descriptor),
  };
}

function openToAppend(file: string): number {
  try {
    return openSync(file, 'a', 0o660);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new Failure(
      'configuration-invalid',
      `the notification file ${quoted(file)} cannot be opened (${error.code})`,
      { hint: 'name a file in a directory that exists and may be written', cause: error },
    );
  }
}

type Fields = Readonly<Record<string, string>>;

/** A line that announced the beginning of something; its end repeats the fields, the `id` among them. */
interface Line {
  readonly end: (action: string, more?: Fields) => void;
}

interface EventLines {
  readonly handlers: EventHandlers;
  /** Ends open lines as failed. */
  readonly endAll: () => void;
}

type Write = (fields: Fields) => void;
type Begin = (action: string, fields: Fields) => Line;

interface OpenLayer {
  readonly image: string;
  readonly sizeBytes: number;
  readonly line: Line;
}

/**
 * Lines about layers. DUCC ingests layers one by one; here a layer's conversion goes from the beginning of its
 * download to the end of the publication that holds it, or of the image that could not be published.
 *
 * @see ducc/lib/conversion.go of cvmfs, for the actions and their fields
 */
function createLayerLines(begin: Begin, write: Write): EventLines {
  const open = new Map<Digest, OpenLayer>();

  const end = (digest: Digest, error: string | undefined): void => {
    const layer = open.get(digest);
    open.delete(digest);
    layer?.line.end('end_layer_conversion', { ...statusOf(error), size_bytes: String(layer.sizeBytes) });
  };

  return {
    handlers: {
      'layer-started': ({ image, layer, sizeBytes }) => {
        end(layer, 'the download began anew');
        const line = begin('start_layer_conversion', { image, layer: hexOf(layer), id: randomUUID() });
        open.set(layer, { image, sizeBytes, line });
      },
      'layer-finished': ({ layer, error }) => {
        if (error !== undefined) end(layer, error);
      },
      'publication-finished': ({ layers, error }) => {
        for (const layer of layers) {
          const image = open.get(layer)?.image;
          end(layer, error);
          if (error !== undefined) continue;
          write({ action: 'publish_layer', layer_digest: hexOf(layer), ...(image && { image }) });
        }
      },
      'image-finished': ({ image, result }) => {
        if (result.outcome !== 'failed') return;
        for (const [digest, layer] of open) if (layer.image === image) end(digest, result.message);
      },
    },
    endAll: () => {
      for (const digest of open.keys()) end(digest, 'the layer was not published');
    },
  };
}

/**
 * Lines about flat root file systems, one pair an image.
 *
 * @see ducc/lib/conversion.go of cvmfs, for the actions and their fields
 */
function createImageLines(begin: Begin, write: Write): EventLines {
  const open = new Map<string, Line>();

  const end = (image: string, error: string | undefined): void => {
    open.get(image)?.end('end_flat_conversion', statusOf(error));
    open.delete(image);
  };

  return {
    handlers: {
      'image-started': ({ image }) => {
        open.set(image, begin('start_flat_conversion', { image_request: image, image, id: randomUUID() }));
      },
      'image-finished': ({ image, result }) => {
        if (result.outcome === 'published' && result.flatPath !== undefined) {
          write({
            action: 'publish_flat_image',
            image_request: image,
            image,
            public_path: result.publicPath,
            private_path: result.flatPath,
          });
        }
        end(image, result.outcome === 'failed' ? result.message : undefined);
      },
      'image-passed-over': ({ image }) => end(image, undefined),
    },
    endAll: () => {
      for (const image of open.keys()) end(image, 'the image was not published');
    },
  };
}

function statusOf(error: string | undefined): Fields {
  return error === undefined ? { status: 'ok' } : { status: 'error', error };
}
