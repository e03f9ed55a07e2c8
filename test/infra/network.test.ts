/** The network of the private mode as the app needs it: ways to vaults and targets, and names that resolve. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { infra, ofType, readJson, snapshot, textsIn } from './snapshots.ts';

const made = ['private', 'usgov']; // the landing zone has a network of its own

describe('the network that a private deployment makes', () => {
  it('lets the rules of vaults, storage accounts and SQL servers name the subnet of the app, and no other', () => {
    for (const name of made) {
      const [network] = ofType(snapshot(name), 'Microsoft.Network/virtualNetworks');
      const { subnets } = (network?.properties ?? {}) as {
        subnets: { name: string; properties: { serviceEndpoints?: { service: string }[] } }[];
      };
      const endpoints = subnets.map(({ name, properties }) => [
        name,
        (properties.serviceEndpoints ?? []).map(({ service }) => service),
      ]);
      expect(endpoints).toEqual([
        ['app', ['Microsoft.KeyVault', 'Microsoft.Sql', 'Microsoft.Storage']],
        ['endpoints', []],
      ]);
    }
  });

  it('does not hide the public address of a target whose private endpoint is in another network', () => {
    for (const name of made) {
      const links = ofType(snapshot(name), 'Microsoft.Network/privateDnsZones/virtualNetworkLinks');
      expect(links.map(({ properties }) => properties?.resolutionPolicy)).toEqual(
        Array(4).fill('NxDomainRedirect'),
      );
    }
  });

  it('takes zones that are there already only if all four are named, which `npm run infra` tries', () => {
    const tried = readFileSync(join(infra, 'snapshots/refused-zones.bicepparam'), 'utf8');
    const [, words = '', lacking = ''] = /^\/\/ Refused: (.+); it lacks (.+)$/m.exec(tried) ?? [];
    expect(lacking).toBe('table, sites');
    const texts = textsIn(readJson('compiled/main.json')).filter(({ text }) =>
      text.includes(words),
    );
    expect(texts.map(({ text }) => text)).toEqual([
      expect.stringMatching(
        /^\[if\(and\(equals\(parameters\('privateDns'\), 'existing'\), .*fail\(/,
      ),
    ]);
  });
});
