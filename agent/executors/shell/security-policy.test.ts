import { describe, expect, it } from 'vitest';
import { SecurityPolicy } from './security-policy.ts';

const policy = (yaml: string): SecurityPolicy => SecurityPolicy.parse(yaml, 'security.yaml');

describe('SecurityPolicy', () => {
  it('allows everything but what is blocked while the whitelist is off', () => {
    const { check } = bind(
      policy('{allowed_commands: [{pattern: ^ls}], blocked_patterns: [{pattern: "(?i)SHUTDOWN", reason: no}]}'),
    );
    expect(check('echo hi')).toMatchObject({ allowed: true });
    expect(check('sudo shutdown')).toEqual({ allowed: false, reason: 'command blocked by security policy: no' });
  });

  it('allows only what is listed while the whitelist is on, and blocks what is both', () => {
    const { check } = bind(
      policy(
        '{command_whitelist_enabled: true, allowed_commands: [{pattern: ^ls, description: lists}], blocked_patterns: [{pattern: ";"}]}',
      ),
    );
    expect(check('ls -la')).toEqual({ allowed: true, reason: 'lists' });
    expect(check('cat x')).toEqual({ allowed: false, reason: 'command not in whitelist: "cat x"' });
    expect(check('ls; cat x')).toMatchObject({ allowed: false });
  });

  it('lets no whitelisted word be turned into another program by what is set beside it', () => {
    const { check } = bind(policy('{command_whitelist_enabled: true, allowed_commands: [{pattern: ^ls}]}'));
    expect(check('ls', { shell: '/tmp/evil' })).toMatchObject({ allowed: false });
    expect(check('ls', { env: { LD_PRELOAD: '/tmp/evil.so' } })).toMatchObject({ allowed: false });
    expect(check('ls', { env: { PATH: '/tmp' } })).toMatchObject({ allowed: false });
    expect(check('ls', { env: { NAME: 'x' } })).toMatchObject({ allowed: true });
  });

  it.each([
    ['blocked_patterns: [{pattern: "("}]', /blocked_patterns\[0\] is no regular expression/],
    ['blocked_patterns: [{reason: x}]', /blocked_patterns\[0\] needs a pattern/],
    ['blocked_pattern: []', /unknown setting blocked_pattern/],
    ['command_whitelist_enabled: "yes"', /must be true or false/],
    ['[]', /must be a map/],
  ])('refuses a file that it cannot follow: %s', (yaml, message) => {
    expect(() => policy(yaml)).toThrow(message);
  });
});

const bind = (of: SecurityPolicy): { check: (command: string, params?: Record<string, unknown>) => unknown } => ({
  check: (command, params = {}) => of.check(command, params),
});
