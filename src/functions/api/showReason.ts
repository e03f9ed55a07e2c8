import { answer, page } from '../../api/problem.ts';
import { reasonBody, reasonHtml, reasonsBody } from '../../api/reasonPage.ts';
import { answeringAlways } from '../context.ts';

/** A page may load nothing and be shown in no frame. */
const PAGE = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** What a reason means, for whoever follows a link: HTML where a browser asks. It needs neither token nor settings. */
export const reason = answeringAlways(async (request) => {
  const code = request.params.code ?? '';
  const wantsPage = /\btext\/html\b/i.test(request.headers.get('accept') ?? '');
  return wantsPage ? page(200, reasonHtml(code), PAGE) : answer(200, reasonBody(code));
});

/** All reasons at once. */
export const reasons = answeringAlways(async () => answer(200, reasonsBody()));
