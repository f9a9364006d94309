/** What a registry knows a user by. Never part of a message, but for `origin`. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** Stands for user and password where it is there: a token service exchanges it (OAuth 2, RFC 6749, section 6). */
  readonly identityToken?: string | undefined;
  /** Where they were found, for messages: `/root/.docker/config.json`. */
  readonly origin: string;
}

/**
 * By a registry's host exactly as wishes write it, such as `docker.io` or `localhost:5000`, and a repository there, such as
 * `library/debian`; `undefined` for anonymous access.
 *
 * @throws Failure `credentials-unavailable`
 */
export type CredentialsOf = (registryHost: string, repository: string) => Promise<Credentials | undefined>;
