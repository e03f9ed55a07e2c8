/** What an app does with a key: it uses a blob of the account. Microsoft's client, Azurite behind the account's address. */
import { BlobServiceClient, RestError, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { Azure } from '../azure/azure.ts';

const CONTAINER = 'orders';
const BLOB = 'order-1.txt';

function containerOf(azure: Azure, account: string, key: string) {
  const credential = new StorageSharedKeyCredential(account, key);
  const service = new BlobServiceClient(azure.url(`${account}.blob.core`), credential, {
    retryOptions: { maxTries: 1 },
  });
  return service.getContainerClient(CONTAINER);
}

export async function uploadBlob(azure: Azure, account: string, key: string): Promise<void> {
  const container = containerOf(azure, account, key);
  await container.create();
  const text = 'one order';
  await container.getBlockBlobClient(BLOB).upload(text, text.length);
}

/** Reads the blob with this key; the status that the storage service answered. */
export async function readBlob(azure: Azure, account: string, key: string): Promise<number> {
  try {
    const { _response, readableStreamBody } = await containerOf(azure, account, key)
      .getBlobClient(BLOB)
      .download();
    readableStreamBody?.resume(); // what it says does not matter, but a body left unread keeps the socket
    return _response.status;
  } catch (error) {
    if (error instanceof RestError && error.statusCode !== undefined) return error.statusCode;
    throw error;
  }
}
