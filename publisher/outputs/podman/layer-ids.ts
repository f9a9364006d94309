import { hash } from 'node:crypto';
import { hexOf, type Digest } from '../../../core/oci/digest.ts';

/** The identifier of a layer on top of certain others: 64 hexadecimal digits. */
export type LayerId = string;

/**
 * The identifiers of an image's layers, lowest first, as podman gives them when it pulls the image: one for each chain,
 * so that a layer over different parents is several layers. Not the chain ID of the OCI specification.
 *
 * @see containers/image, storage/storage_dest.go, `commitLayer`
 */
export function layerIds(diffIds: readonly Digest[]): LayerId[] {
  const ids: LayerId[] = [];
  for (const diffId of diffIds) {
    const below = ids.at(-1);
    const diff = hexOf(diffId);
    ids.push(below === undefined ? diff : hash('sha256', `${below}+${diff}`));
  }
  return ids;
}
