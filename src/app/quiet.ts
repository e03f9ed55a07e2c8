/**
 * Debug logging of SDKs and drivers would print what they send, so its switches are gone before one is loaded: they are read
 * while an SDK loads (design section 6). Imported before any SDK; of the built app it is the first line of every file, since
 * split modules run in another order than they are written in (finding ATK-10). NODE_DEBUG stays: Node has read it before any
 * code runs, so clearing it would hide it from `exposures` alone.
 */
export const SWITCHES = ['DEBUG', 'AZURE_LOG_LEVEL', 'TYPESPEC_RUNTIME_LOG_LEVEL'] as const;

for (const name of SWITCHES) delete process.env[name];
