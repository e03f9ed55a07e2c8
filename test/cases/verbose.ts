/** As an operator who wants to see everything would set it. Imported before anything of the product or an SDK loads. */
for (const name of ['AZURE_LOG_LEVEL', 'TYPESPEC_RUNTIME_LOG_LEVEL']) process.env[name] = 'verbose';
Object.assign(process.env, { DEBUG: '*', NODE_DEBUG: 'http,net,tls' });
