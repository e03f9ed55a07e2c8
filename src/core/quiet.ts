/**
 * Imported before any SDK: debug logging of SDKs and drivers would print what they send. `DEBUG` is read while they load,
 * so it has to be gone by then (design section 6).
 */
for (const name of ['DEBUG', 'NODE_DEBUG', 'AZURE_LOG_LEVEL']) delete process.env[name];
