/** What the host answers over HTTP, and how it reads a body. */

/** An answer without a body is what the host gives for errors of its own. */
export type Answer = {
  status: number;
  headers?: Record<string, string | string[]>;
  body?: string | Uint8Array;
};

/** A JSON object, or undefined. */
export function parse(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
