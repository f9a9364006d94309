import type { ImageReference } from '../../core/oci/reference.ts';

/** Where images of a registry are to be had: at a host, below a prefix of its repositories. */
export interface Place {
  readonly scheme: 'https' | 'http';
  /** With its port, where it has one; credentials and settings are looked up by it. */
  readonly host: string;
  /** Goes before the repository: `dockerhub-cache`; empty for none. No slash at its ends. */
  readonly prefix: string;
}

/** What is to be read: a repository (with the place's prefix, if there is one) at a place, for an image. */
export interface Access {
  readonly place: Place;
  readonly repository: string;
  readonly reference: ImageReference;
}

/** How the images of a registry are fetched. */
export interface Route {
  /** A pull-through proxy, which is asked in place of the registry. */
  readonly proxy: Place | undefined;
  /** Asked before the registry (or its proxy), in order. */
  readonly mirrors: readonly Place[];
}

export const DIRECT: Route = { proxy: undefined, mirrors: [] };
