/** `GET /api/vaults/{vault}/secrets/{name}`: one secret, with what became of each of its versions (design section 5). */
import { guarded, SECRET } from '../call.ts';
import { secretDetail } from '../inventory.ts';
import { answer } from '../problem.ts';
import { fromPath } from '../receive.ts';
import { SecretDetailBody, secretDetailBody } from '../secretBody.ts';

export const showSecret = guarded({
  name: 'secret',
  method: 'GET',
  path: SECRET,
  summary: 'One secret with its versions',
  roles: ['Keyturn.Read'],
  byVault: 'readers',
  answers: {
    200: { description: 'Found.', body: { name: 'SecretDetailBody', schema: SecretDetailBody } },
  },
  run: async (deps, caller, { path }) =>
    answer(200, secretDetailBody(await secretDetail(fromPath(path), caller, deps))),
});
