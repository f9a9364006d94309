/** How one server is connected to. */
export interface ServerSettings {
  /** Requests at once, bodies under way included; the client's own limit where it is left out. */
  readonly concurrency?: number | undefined;
  /** PEM: certificate authorities beside those of the system. */
  readonly authorities?: string | undefined;
  /** PEM: what the client shows where the server asks for a certificate. */
  readonly clientCertificate?: { readonly certificate: string; readonly key: string } | undefined;
}
