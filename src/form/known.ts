/** Documents that tools read by their own rules: docker's configuration and Azure's auth file (facts on values, V7.2, V7.6). */
import { KeyturnError } from '../core/errors.ts';
import { quote } from '../core/quote.ts';
import { type Document, type Member, pointerOf, siblingsOf } from './document.ts';
import { bad, type OpenText } from './part.ts';
import { unwrapped } from './shape.ts';
import { base64Like } from './spelling.ts';

const beside = (document: Document, member: Member, name: string): Member | undefined =>
  siblingsOf(document, member).find(
    ({ path }) => path.at(-1)?.toLowerCase() === name.toLowerCase(),
  );

/** docker's `auth`, opened: base64 of `login:password`. Undefined for every other member. */
export function openDockerAuth({ path, value }: Member): OpenText | undefined {
  const inside = path.at(-1) === 'auth' ? inAuth(value) : undefined;
  const colon = inside?.indexOf(':') ?? -1;
  if (inside === undefined || colon < 1) {
    if (path.at(-1) !== 'auth' || path.at(-3) !== 'auths') return undefined;
    throw bad(
      'The member `auth` is not base64 of login:password, and docker would refuse the whole file.',
    );
  }
  const user = inside.slice(0, colon);
  return {
    form: 'json',
    bare: inside.slice(colon + 1),
    fill: (bare) => base64Like(value, `${user}:${bare}`),
  };
}

/** Docker cuts NUL bytes off the end. */
const inAuth = (value: string): string | undefined =>
  unwrapped(value) ??
  (/^[A-Za-z0-9+/]+={0,2}$/.test(value)
    ? unwrapped(
        Buffer.from(
          Buffer.from(value, 'base64').toString('latin1').replace(/\0+$/, ''),
          'latin1',
        ).toString('base64'),
      )
    : undefined);

/** @throws `bad-value` where docker, kubelet or containerd would not use what a rotation writes, or the document is torn already */
export function checkDocker(document: Document, member: Member): void {
  if (!member.path.includes('auths') && beside(document, member, 'auth') === undefined) return;
  for (const name of ['identitytoken', 'registrytoken']) {
    const other = beside(document, member, name);
    if (other)
      throw bad(
        `${quote(pointerOf(other.path))} is another credential, which clients take first; take it out.`,
      );
  }
  const helper = document.members.find(
    ({ path }) => path[0] === 'credsStore' || path[0] === 'credHelpers',
  );
  if (helper)
    throw bad(
      `${quote(`/${helper.path[0]}`)} makes clients ask elsewhere for the password; take it out.`,
    );
  const [auth, password] = ['auth', 'password'].map((name) => beside(document, member, name));
  const inside = auth && inAuth(auth.value);
  if (!auth || !password) return;
  if (inside === undefined || inside.indexOf(':') < 1)
    throw bad(
      `${quote(pointerOf(auth.path))} is not base64 of login:password, and docker would refuse the whole file.`,
    );
  const user = beside(document, member, 'username');
  if (user && user.value !== '' && user.value !== inside.slice(0, inside.indexOf(':')))
    throw bad(
      `${quote(pointerOf(auth.path))} and ${quote(pointerOf(user.path))} name different logins.`,
    );
  if (inside.slice(inside.indexOf(':') + 1) === password.value) return;
  const where = `${quote(pointerOf(auth.path))} and ${quote(pointerOf(password.path))}`;
  throw bad(`${where} hold different passwords; write the live one into both.`);
}

const LOGIN_HOSTS = [
  'login.microsoftonline.com',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
  'login.chinacloudapi.cn',
  'login.windows.net',
];
const ARM_HOSTS = [
  'management.azure.com',
  'management.usgovcloudapi.net',
  'management.chinacloudapi.cn',
];

/** Where a client with this document would send the secret. @throws `foreign-host` naming the member */
export function checkAzureAuth(document: Document, member: Member, hosts: readonly string[]): void {
  const own = {
    activeDirectoryEndpointUrl: LOGIN_HOSTS,
    resourceManagerEndpointUrl: ARM_HOSTS,
    // What the SDKs of Azure read in the environment (unverified).
    AZURE_AUTHORITY_HOST: LOGIN_HOSTS,
  };
  for (const [name, known] of Object.entries(own)) {
    const other = beside(document, member, name);
    if (!other || (other.value === 'null' && other.fixed !== undefined)) continue;
    const host =
      /^https:\/\/([a-z0-9.-]+(?::\d+)?)\/?$/i.exec(other.value)?.[1]?.toLowerCase() ?? '';
    if ([...known, ...hosts].includes(host)) continue;
    const detail = `${quote(pointerOf(other.path))} leads to a host that is none of Azure's, and the secret would be sent there.`;
    throw new KeyturnError('foreign-host', { detail });
  }
}
