import { createHash } from 'node:crypto';
import * as tls from 'node:tls';
import { Failure } from '../failure.ts';

interface WithUsualAuthorities {
  readonly rootCertificates: readonly string[];
  readonly getCACertificates?: (type: 'default') => readonly string[];
}

/** Names what a server is connected to with: the same for equal settings, empty where Node's own defaults do. */
export function materialKeyOf(material: Material): string {
  if (isUsual(material)) return '';
  const { authorities, soleAuthorities, clientCertificate } = material;
  const { certificate, key } = clientCertificate ?? {};
  const parts = JSON.stringify([authorities, soleAuthorities, certificate, key]);
  return createHash('sha256').update(parts).digest('hex');
}

/**
 * Makes a context for TLS of `settings`, or `undefined` where Node's own defaults do. It takes some milliseconds, since
 * all certificates are parsed: it is to be kept.
 *
 * @throws Failure `tls-failed` where the certificates or the key cannot be read
 */
export function secureContextOf(
  material: Material,
  { host, systemAuthorities }: { readonly host: string; readonly systemAuthorities: string | undefined },
): tls.SecureContext | undefined {
  if (isUsual(material)) return undefined;
  const { certificate, key } = material.clientCertificate ?? {};
  const ca = authoritiesOf(material, systemAuthorities);
  try {
    return tls.createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(certificate === undefined ? {} : { cert: certificate, key }),
    });
  } catch (error) {
    throw new Failure('tls-failed', `the certificates or the key set up for ${host} cannot be read`, {
      hint: 'they must be PEM, and the key must belong to the certificate',
      cause: error,
    });
  }
}

function isUsual({ authorities, soleAuthorities, clientCertificate }: Material): boolean {
  return authorities === undefined && soleAuthorities === undefined && clientCertificate === undefined;
}

function authoritiesOf(
  { authorities, soleAuthorities }: Material,
  systemAuthorities: string | undefined,
): string[] | undefined {
  if (soleAuthorities !== undefined) return [soleAuthorities];
  return authorities === undefined ? undefined : [...usualAuthorities(systemAuthorities), authorities];
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

/** Certificates for TLS with one server. */
export interface Material {
  /** PEM: certificate authorities beside those of the system. */
  readonly authorities?: string | undefined;
  /** PEM: certificate authorities in place of all others. */
  readonly soleAuthorities?: string | undefined;
  /** PEM: what the client shows where the server asks for a certificate. */
  readonly clientCertificate?: { readonly certificate: string; readonly key: string } | undefined;
}
