import { randomUUID } from 'node:crypto';
import { hexOf } from '../../core/oci/digest.ts';
import type { Digest } from '../../core/oci/digest.ts';
import type { EventHandlers } from '../output/event-handlers.ts';

export type Fields = Readonly<Record<string, string>>;

/** A line that announced the beginning of something; its end repeats the fields, the `id` among them. */
export interface Line {
  readonly end: (action: string, more?: Fields) => void;
}

export interface Lines {
  readonly handlers: EventHandlers;
  /** Ends what is still open, as failed. */
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
 * Lines about layers. DUCC ingests each layer by itself; here a layer's conversion goes from the beginning of its
 * download to the end of the publication that holds it, or of the image that could not be published.
 *
 * @see ducc/lib/conversion.go of cvmfs, for the actions and their fields
 */
export function createLayerLines(begin: Begin, write: Write): Lines {
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
          write({
            action: 'publish_layer',
            layer_digest: hexOf(layer),
            ...(image === undefined ? {} : { image }),
          });
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
export function createImageLines(begin: Begin, write: Write): Lines {
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
