/** What a registry knows a user by. Never part of a message. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** By a registry's host exactly as wishes write it, such as `docker.io` or `localhost:5000`. */
export type CredentialsOf = (registryHost: string) => Credentials | undefined;
