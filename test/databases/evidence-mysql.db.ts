import { heldSessions } from './heldSessions.ts';
import { mariaPeer } from './subjects.ts';

heldSessions('mysql-login', mariaPeer, {
  needed: ["GRANT PROCESS ON *.* TO keyturn@'%'"],
  more: [],
});
