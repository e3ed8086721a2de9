import { Option } from 'commander';
import type { Command } from 'commander';
import { isLoopback } from '../loopback.ts';
import type { ApiSettings } from '../settings.ts';
import { defaultSettings } from '../settings.ts';
import { upTo } from '../whole-number.ts';

/** What `addAuthFlags` adds to the options of a command. */
export interface AuthFlags {
  auth?: 'kubernetes' | 'none';
  insecure: boolean;
  tlsCertFile?: string;
  tlsKeyFile?: string;
  metricsPort?: number;
  agentServiceAccount: string;
  hostNamespace?: string;
  agentUsers?: 'service-accounts' | 'names';
}

type AuthSettings = Pick<
  ApiSettings,
  'auth' | 'tls' | 'metricsPort' | 'agentServiceAccount' | 'hostNamespace' | 'namedAgents'
>;

/** Adds the flags about who calls, and how. */
export function addAuthFlags(command: Command): Command {
  const flag = (flags: string, description: string, variable: string): Option =>
    new Option(flags, description).env(variable);
  return command
    .addOption(
      flag(
        '--auth <how>',
        'who may call: kubernetes asks the Kubernetes API whose token it is and what they may do, none lets everybody do everything (default: none on loopback, else kubernetes)',
        'TIANGONG_AUTH',
      ).choices(['kubernetes', 'none']),
    )
    .addOption(new Option('--insecure', 'allow --auth none on other addresses than loopback').default(false))
    .addOption(
      flag(
        '--tls-cert-file <file>',
        'certificates in PEM, for HTTPS; read again when changed',
        'TIANGONG_TLS_CERT_FILE',
      ),
    )
    .addOption(flag('--tls-key-file <file>', 'the key of the certificate, in PEM', 'TIANGONG_TLS_KEY_FILE'))
    .addOption(
      flag(
        '--metrics-port <port>',
        'serve metrics and health here too, by plain HTTP and for everybody',
        'TIANGONG_METRICS_PORT',
      ).argParser(upTo(65_535)),
    )
    .addOption(
      flag(
        '--agent-service-account <name>',
        'the ServiceAccount of the pods of agents',
        'TIANGONG_AGENT_SERVICE_ACCOUNT',
      ).default(defaultSettings.agentServiceAccount),
    )
    .addOption(
      flag('--host-namespace <name>', 'where pods of agents with access to their host run', 'TIANGONG_HOST_NAMESPACE'),
    )
    .addOption(
      flag(
        '--agent-users <kind>',
        'what agents are known by: service-accounts, or names too, which takes the user tiangong:agent:<name> for an agent as the embedded Kubernetes API does (default: names with --auth none)',
        'TIANGONG_AGENT_USERS',
      ).choices(['service-accounts', 'names']),
    );
}

/** Reads the flags; prints an error and exits where they do not fit together. Empty variables are as if they were not set. */
export function authSettings(command: Command, flags: AuthFlags & { readonly host: string }): AuthSettings {
  const { host, tlsCertFile: certFile = '', tlsKeyFile: keyFile = '', metricsPort, hostNamespace = '' } = flags;
  const auth = flags.auth ?? (isLoopback(host) ? 'none' : 'kubernetes');
  if (auth === 'none' && !isLoopback(host) && !flags.insecure)
    command.error(
      `error: with --auth none everybody who reaches ${host} could run commands on all agents; use --auth kubernetes, or --insecure if something in front asks who they are`,
    );
  if ((certFile === '') !== (keyFile === ''))
    command.error('error: --tls-cert-file and --tls-key-file must both be set, or neither');
  return {
    auth,
    ...(certFile !== '' && { tls: { certFile, keyFile } }),
    metricsPort,
    agentServiceAccount: flags.agentServiceAccount,
    hostNamespace: hostNamespace === '' ? undefined : hostNamespace,
    namedAgents: (flags.agentUsers ?? (auth === 'none' ? 'names' : 'service-accounts')) === 'names',
  };
}
