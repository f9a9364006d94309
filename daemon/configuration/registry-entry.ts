import type { Endpoint as RegistryPlace } from '../../publisher/registry/endpoint.ts';
import type { Located } from './mapping-reader.ts';
import type { Source } from './registry-source.ts';

/** What the configuration file says of one registry. The form is checked; files and variables are not read yet. */
export interface RegistryEntry {
  /** As wishes write it, such as `docker.io` or `localhost:5000`. */
  readonly host: string;
  /** The configuration file. */
  readonly file: string;
  /** Of the host in it, from 1. */
  readonly line: number;
  readonly login: { readonly user: Located<Source>; readonly password: Located<Source> } | undefined;
  readonly proxy: RegistryPlace | undefined;
  readonly mirrors: readonly RegistryPlace[];
  readonly concurrency: number | undefined;
  /** Whether wishes may have it asked over plain HTTP, and credentials may go to it so. */
  readonly allowHttp: boolean | undefined;
  /** Path of a PEM file. */
  readonly authorities: Located<string> | undefined;
  /** Paths of PEM files. */
  readonly clientCertificate:
    { readonly certificate: Located<string>; readonly key: Located<string> } | undefined;
}
