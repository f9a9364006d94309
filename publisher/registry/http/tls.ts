import * as tls from 'node:tls';
import { createHash } from 'node:crypto';
import { Failure } from '../../../wishlist/failure.ts';
import type { ServerSettings } from './server-settings.ts';

interface WithUsualAuthorities {
  readonly rootCertificates: readonly string[];
  readonly getCACertificates?: (type: 'default') => readonly string[];
}

type Material = Pick<ServerSettings, 'authorities' | 'clientCertificate'>;

/** Names what a server is connected to with: the same for equal settings, empty where Node's own defaults do. */
export function materialKeyOf({ authorities, clientCertificate }: Material): string {
  if (authorities === undefined && clientCertificate === undefined) return '';
  const { certificate, key } = clientCertificate ?? {};
  const parts = JSON.stringify([authorities, certificate, key]);
  return createHash('sha256').update(parts).digest('hex');
}

/**
 * Makes a context for TLS of `settings`, or `undefined` where Node's own defaults do. It takes some milliseconds, since
 * all certificates are parsed: it is to be kept.
 *
 * @throws Failure `tls-failed` where the certificates or the key cannot be read
 */
export function secureContextOf(
  { authorities, clientCertificate }: Material,
  { host, systemAuthorities }: { readonly host: string; readonly systemAuthorities: string | undefined },
): tls.SecureContext | undefined {
  if (authorities === undefined && clientCertificate === undefined) return undefined;
  const { certificate, key } = clientCertificate ?? {};
  try {
    return tls.createSecureContext({
      ...(authorities === undefined ? {} : { ca: [...usualAuthorities(systemAuthorities), authorities] }),
      ...(certificate === undefined ? {} : { cert: certificate, key }),
    });
  } catch (error) {
    throw new Failure('tls-failed', `the certificates or the key set up for ${host} cannot be read`, {
      hint: 'they must be PEM, and the key must belong to the certificate',
      cause: error,
    });
  }
}

/** A list of our own replaces Node's, so it must have the usual ones too. */
function usualAuthorities(systemAuthorities: string | undefined): readonly string[] {
  const { getCACertificates }: WithUsualAuthorities = tls;
  // Since Node 22.15; it has those of NODE_EXTRA_CA_CERTS and of the system too, where Node is told to use them.
  if (getCACertificates !== undefined) return getCACertificates('default');
  return systemAuthorities === undefined
    ? tls.rootCertificates
    : [...tls.rootCertificates, systemAuthorities];
}
