/** `open`: the page of a secret, of a reason, or of the app, in a browser where there is one. */
import { secretIn } from '../session/session.ts';
import { progress } from '../show/tell.ts';
import type { CommandSpec } from '../spec.ts';

export const open: CommandSpec = {
  name: 'open',
  summary: 'the page of a secret or of the app in the Azure portal, or of a reason',
  args: [['[what]', 'a secret, or the code of a reason; without it the app']],
  options: [{ flags: '--print', says: 'only print the address' }],
  examples: ['keyturn open kv-shop/orders-storage --print', 'keyturn open no-consent --print'],
  async run({ asked, session, io, print }) {
    const { where, api } = session;
    const [what] = asked.args;
    const portal = (id: string) => `${where.cloud.portal}/#@/resource${id}`;
    const page = () => {
      if (what !== undefined && !what.includes('/'))
        return api.link(`/api/reasons/${encodeURIComponent(what)}`);
      if (what === undefined)
        return where.appId === undefined ? api.link('/api/health') : portal(where.appId);
      const { vault, name } = secretIn(what);
      // The portal finds a secret by its address, as its own links do (form unverified).
      return `${where.cloud.portal}/#@/asset/Microsoft_Azure_KeyVault/Secret/https://${vault}.${where.cloud.vaults}/secrets/${name}`;
    };
    const url = page();
    print({ body: { url }, tables: [], said: [url] });
    const isShown = asked.is('print') || !io.out.isTty;
    if (!isShown && !(await io.browse(url))) progress(io, 'No browser opens here.');
    return 'done';
  },
};
