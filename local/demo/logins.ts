/** What an app does with a login or a client secret: it connects, it gets a token. Microsoft's clients. */
import { ClientSecretCredential } from '@azure/identity';
import { Connection } from 'tedious';
import type { Azure } from '../azure/azure.ts';

/** Connects as the ADO.NET string says: undefined when it is let in, otherwise the number of the server's error. */
export async function sqlLogin(connectionString: string): Promise<number | undefined> {
  const elements = new Map(
    connectionString.split(';').map((part) => part.split(/=(.*)/s) as [string, string]),
  );
  const [, server = '', port = ''] = /^tcp:(.*),(\d+)$/.exec(elements.get('Server') ?? '') ?? [];
  const options = {
    userName: elements.get('User ID') ?? '',
    password: elements.get('Password') ?? '',
  };
  const connection = new Connection({
    server,
    authentication: { type: 'default', options },
    options: {
      port: Number(port),
      database: 'master',
      encrypt: true,
      trustServerCertificate: false,
    },
  });
  let number: number | undefined;
  connection.on('errorMessage', (message: { number: number }) => {
    number = message.number;
  });
  const ended = new Promise<void>((resolve) => connection.once('end', resolve));
  const error = await new Promise<Error | undefined>((resolve) => connection.connect(resolve));
  connection.close();
  if (error && number === undefined) throw error;
  if (!error) await ended; // nothing is left open when the next step is told
  return number;
}

/** Asks Entra for a token as this application: undefined when there is one, otherwise the number behind AADSTS. */
export async function entraLogin(
  azure: Azure,
  appId: string,
  secret: string,
): Promise<number | undefined> {
  const credential = new ClientSecretCredential(azure.world.tenantId, appId, secret, {
    authorityHost: azure.authority,
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
  });
  try {
    await credential.getToken('https://graph.microsoft.com/.default');
    return undefined;
  } catch (error) {
    const { cause } = error as { cause?: { errorNo?: unknown } };
    if (cause?.errorNo === undefined) throw error;
    return Number(cause.errorNo);
  }
}
