/** `GET /api/reasons/{code}`: what a reason means, for whoever follows a link: HTML where a browser asks. */
import type { OpenCall } from '../call.ts';
import { answer, page } from '../problem.ts';
import { ReasonBody, reasonBody, reasonHtml } from '../reasonPage.ts';

/** A page may load nothing and be shown in no frame. */
const PAGE = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

export const showReason: OpenCall = {
  name: 'reason',
  method: 'GET',
  path: 'reasons/{code}',
  summary: 'What a reason means, what would help, and who acts',
  description:
    'Where `type` of a problem and the links of alerts lead. HTML where the request accepts it.',
  parameters: { code: 'A code of `reason`.' },
  roles: 'anyone',
  answers: {
    200: {
      description: 'The reason.',
      body: { name: 'ReasonBody', schema: ReasonBody },
      asHtml: true,
    },
  },
  async run(_app, { path: { code = '' }, accept }) {
    const wantsPage = /\btext\/html\b/i.test(accept);
    return wantsPage ? page(200, reasonHtml(code), PAGE) : answer(200, reasonBody(code));
  },
};
