/** Tests against real servers, which `npm test` leaves out: they need Debian's packages (scripts/databases.sh). */
import base from '../../jest.config.js';

export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/databases/**/*.db.ts'],
  maxWorkers: 2,
};
