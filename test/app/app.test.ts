import { describe, expect, it } from '@jest/globals';
import { createApp } from '../../src/app/app.ts';

const guid = (digit: number) => `${digit}0000000-0000-4000-8000-000000000000`;
const good = {
  KEYTURN_TENANT_ID: guid(1),
  KEYTURN_IDENTITY_CLIENT_ID: guid(2),
  KEYTURN_IDENTITY_PRINCIPAL_ID: guid(3),
  KEYTURN_VAULTS: `/subscriptions/${guid(4)}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1`,
  KEYTURN_AUDIENCE: 'api://keyturn',
  KEYTURN_SWEEP_SCHEDULE: '0 7 * * * *',
  KEYTURN_ROTATORS: 'storage-account-key',
  AzureWebJobsStorage__accountName: 'keyturnapp',
};

describe('an app made from its settings', () => {
  it('is made without sending anything', () => {
    expect(createApp(good).settings.mode).toBe('observe');
  });

  it('says all at once what only the modules behind the settings can judge', () => {
    const wrong = {
      KEYTURN_ROTATORS: 'storage-account-keys',
      KEYTURN_POLICY: 'every=2d;grace=3d',
      KEYTURN_CONSENT: '{"x/y":"kv1/a"}',
    };
    const made = () => createApp({ ...good, ...wrong });
    expect(made).toThrow('KEYTURN_ROTATORS names "storage-account-keys". Known: api-management');
    expect(made).toThrow(
      'KEYTURN_POLICY does not fit: KEYTURN_POLICY: grace (72 h) must be shorter than every (48 h).',
    );
    expect(made).toThrow('KEYTURN_CONSENT does not fit: A key of KEYTURN_CONSENT is "x/y"');
  });
});
