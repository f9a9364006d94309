import type { UrlSettings } from '../../../wishlist/sources/fetch-url.ts';
import { hideLogin } from '../secrets.ts';
import { type Located, path, type ValueType } from '../value-types.ts';
import {
  resolveLogin,
  resolveSecret,
  passwordReference,
  userReference,
  type LoginReference,
  referenceText,
} from '../secret-reference.ts';
import { type OpeningContext, type SourceKind, type SourceSettings } from './kind.ts';

interface UrlEntry extends SourceSettings {
  readonly url: string;
  /** A password without a user is a token. */
  readonly login:
    (Pick<LoginReference, 'password'> & { readonly user: LoginReference['user'] | undefined }) | undefined;
  readonly authorities: Located<string> | undefined;
}

const webAddress: ValueType<string> = {
  expected:
    'an address with https:// in front (http:// for plain HTTP), without user name and password in it',
  parse: (text) => {
    if (!/^https?:\/\/[^\s]+$/i.test(text) || !URL.canParse(text)) return undefined;
    const { username, password, hash, href } = new URL(text);
    return username === '' && password === '' && hash === '' ? href : undefined;
  },
};

/** A recipe on a web server. */
export const urlKind: SourceKind<'url' | 'username' | 'password' | 'ca-certificates', UrlEntry> = {
  keys: ['url', 'username', 'password', 'ca-certificates'],
  placeholder: 'ADDRESS',
  isOperators: false,
  parse(reader) {
    const url = reader.scalar('url', webAddress)?.value;
    const user = reader.secret('username', userReference);
    const password = reader.secret('password', passwordReference);
    if (!reader.has('password'))
      reader.report('username', 'password is missing; give both, or a token as the password');
    const authorities = reader.scalar('ca-certificates', path);
    if (url === undefined) return undefined;
    const { host, pathname } = new URL(url);
    return { name: `${host}${pathname}`, url, login: password && { user, password }, authorities };
  },
  describe: ({ url, login, authorities }) => ({
    url,
    username: referenceText(login?.user),
    password: referenceText(login?.password),
    'ca-certificates': authorities?.value,
  }),
  needs: ({ url, login, authorities }) => {
    const { protocol, host } = new URL(url);
    return { secret: login?.password, plainHost: protocol === 'http:' ? host : undefined, authorities };
  },
  async open({ name, url, login, authorities }, opening) {
    const { urlSource } = await import('../../../wishlist/sources/fetch-url.ts');
    return urlSource({ name, url, login: await openLogin(login, opening), authorities: authorities?.value });
  },
};

async function openLogin(
  login: UrlEntry['login'],
  { file, environment, problems }: OpeningContext,
): Promise<UrlSettings['login']> {
  if (login === undefined) return undefined;
  const { user, password } = login;
  if (user !== undefined)
    return await resolveLogin({ login: { user, password }, file }, environment, problems);
  const token = await resolveSecret(password, environment, problems);
  if (token === undefined) return undefined;
  hideLogin('', token);
  return { user, password: token };
}
