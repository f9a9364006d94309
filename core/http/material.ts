/** What TLS with one server is spoken with. */
export interface Material {
  /** PEM: certificate authorities beside those of the system. */
  readonly authorities?: string | undefined;
  /** PEM: certificate authorities in place of all others. */
  readonly soleAuthorities?: string | undefined;
  /** PEM: what the client shows where the server asks for a certificate. */
  readonly clientCertificate?: { readonly certificate: string; readonly key: string } | undefined;
}
