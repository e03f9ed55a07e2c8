/** Route templates of HTTP triggers, the part of ASP.NET's syntax that the Functions host takes. */

type Segment =
  | { literal: string }
  | { name: string; optional: boolean; rest: boolean; test: RegExp };

export type Route = {
  /** The parameters, or undefined when the path is another one. */
  match(path: string): Record<string, string> | undefined;
  /** Lower comes first: literal segments win over parameters, parameters over a catch-all. */
  rank: string;
};

const constraints: Record<string, RegExp> = {
  int: /^-?\d+$/,
  alpha: /^[a-z]*$/i,
  guid: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
};

/** Parses `vaults/{vault}/{id:guid}`, `{page?}`, `{*rest}`. Literals are compared without case, as ASP.NET does. */
export function parseRoute(template: string): Route {
  const segments = pieces(template).map((piece) => parseSegment(piece, template));
  const rank = segments
    .map((segment) => ('literal' in segment ? '0' : segment.rest ? '2' : '1'))
    .join('');
  return { rank, match: (path) => match(segments, pieces(path)) };
}

/** One slash at the end is nothing; an empty piece anywhere else is one that no segment matches. */
const pieces = (path: string): string[] => (path === '' ? [] : path.replace(/\/$/, '').split('/'));

function parseSegment(piece: string, template: string): Segment {
  if (!piece.includes('{')) return { literal: piece.toLowerCase() };
  const [, star = '', name, constraint, question] =
    /^\{(\*{0,2})(\w+)(?::(\w+))?(\?)?\}$/.exec(piece) ?? [];
  const test = constraint === undefined ? /^/ : constraints[constraint];
  if (name === undefined || !test)
    throw new Error(`Route "${template}": "${piece}" is not supported by the local host`);
  return { name, optional: question !== undefined || star !== '', rest: star !== '', test };
}

function match(
  segments: readonly Segment[],
  path: readonly string[],
): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const piece = path[index];
    if ('literal' in segment) {
      if (piece?.toLowerCase() !== segment.literal) return undefined;
    } else if (piece === undefined || piece === '') {
      if (!segment.optional || piece === '') return undefined;
    } else {
      const value = decode(segment.rest ? path.slice(index).join('/') : piece);
      if (value === undefined || !segment.test.test(value)) return undefined;
      params[segment.name] = value;
      if (segment.rest) return params;
    }
  }
  return path.length <= segments.length ? params : undefined;
}

/** A piece that is no valid percent-encoding matches nothing (the host's answer is not known). `%2F` stays as it is, as on the host (HST-07). */
function decode(piece: string): string | undefined {
  try {
    return decodeURIComponent(piece.replaceAll(/%2f/gi, (slash) => `%25${slash.slice(1)}`));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
