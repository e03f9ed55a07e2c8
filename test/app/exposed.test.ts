import { describe, expect, it } from '@jest/globals';
import { exposures } from '../../src/app/exposed.ts';

describe('ATK-10: what makes Node show what the worker handles', () => {
  it.each([
    ['NODE_DEBUG', 'https'],
    ['NODE_DEBUG', 'http2,net'],
    ['NODE_DEBUG_NATIVE', 'crypto'],
    ['NODE_TLS_REJECT_UNAUTHORIZED', '0'],
    ['SSLKEYLOGFILE', '/tmp/keys'],
    ...[
      '--inspect',
      '--inspect=0.0.0.0:9229',
      '--inspect-brk',
      '--inspect-wait=1',
      '--inspect_port=1',
      '--INSPECT',
    ].map(option),
    ...[
      '--report-on-signal',
      '--report-uncaught-exception',
      '--report_on_fatalerror',
      '--experimental-report',
    ].map(option),
    ...[
      '--heapsnapshot-signal=SIGUSR2',
      '--heapsnapshot-near-heap-limit=3',
      '--heap-prof',
      '--cpu-prof',
      '--prof',
    ].map(option),
    ...['--tls-keylog=/tmp/k', '--trace-tls', '--trace-event-categories=node', '--trace-env'].map(
      option,
    ),
    ...[
      '--abort-on-uncaught-exception',
      '"--inspect"',
      '--max-old-space-size=512  --inspect',
      '--diagnostic-dir=/tmp',
    ].map(option),
  ])('ATK-10: %s=%s is named, with what to do', (name, value) => {
    const problems = exposures({ [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name} .*: remove it\\.$`));
  });

  it('ATK-10: as arguments of the worker just as well', () => {
    expect(exposures({}, ['--inspect=9229', '--enable-source-maps'])).toEqual([
      expect.stringMatching(/^languageWorkers__node__arguments has `--inspect`, .*: remove it\.$/),
    ]);
  });

  it('what does no harm is let through', () => {
    const options =
      '--max-old-space-size=512 --enable-source-maps --trace-warnings --import ./a.js --use-openssl-ca';
    const env = {
      NODE_OPTIONS: options,
      NODE_ENV: 'production',
      NODE_TLS_REJECT_UNAUTHORIZED: '1',
      NODE_DEBUG: ' ',
    };
    expect(
      exposures({ ...env, NODE_EXTRA_CA_CERTS: '/etc/ca.pem' }, ['--experimental-vm-modules']),
    ).toEqual([]);
  });
});

function option(text: string): [string, string] {
  return ['NODE_OPTIONS', text];
}
