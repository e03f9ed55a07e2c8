import { heldSessions } from './heldSessions.ts';
import { postgresPeer } from './subjects.ts';

heldSessions('postgresql-login', postgresPeer, {
  needed: [],
  more: ['GRANT pg_read_all_stats TO keyturn'],
});
