import { Command, Option } from 'commander';
import { ALL_NAMESPACES } from '../kube/watched-namespaces.ts';
import { poolOptions, poolSettings } from './agentpool/pool-options.ts';
import type { PoolFlags } from './agentpool/pool-options.ts';
import type { PoolSettings } from './agentpool/pool-settings.ts';
import { integer, namespaces } from './option-values.ts';

export interface OperatorConfig {
  /** Path of a kubeconfig; undefined: $KUBECONFIG, ~/.kube/config or the pod's service account. */
  readonly kubeconfig: string | undefined;
  readonly homeNamespace: string;
  /** Whose tasks and syncs are seen to; `*` for all. */
  readonly namespaces: readonly string[];
  /** The RoleBinding that keeps the programs' rights in a watched namespace that is being deleted; undefined: there is none. */
  readonly holdBinding: string | undefined;
  /** Whether this process competes with others for the Lease tiangong-operator.leader. */
  readonly leaderElect: boolean;
  readonly workers: number;
  /** Where /healthz, /readyz and /metrics are served. */
  readonly healthHost: string;
  readonly healthPort: number;
  readonly logLevel: string;
  /** What the pods of AgentPools need; undefined: no pools are seen to. */
  readonly pools: PoolSettings | undefined;
}

interface OptionalFlags {
  readonly kubeconfig?: string;
  readonly holdBinding?: string;
}

/** Reads flags, and the environment for those that are not given. Exits with a message when one is wrong. */
export function readConfig(argv: readonly string[]): OperatorConfig {
  const program = new Command('tiangong-operator')
    .description('Assigns DeployTasks to agents, watches over both, and cleans up.')
    .addOption(new Option('--kubeconfig <path>', 'how to reach the Kubernetes API'))
    .addOption(
      new Option('--home-namespace <name>', 'where agents live').env('TIANGONG_HOME_NAMESPACE').default('default'),
    )
    .addOption(
      new Option('--namespaces <list>', 'whose tasks and syncs are seen to, beside the home namespace; * for all')
        .env('TIANGONG_NAMESPACES')
        .argParser(namespaces)
        .default([ALL_NAMESPACES], ALL_NAMESPACES),
    )
    .addOption(
      new Option(
        '--hold-binding <name>',
        'the RoleBinding that keeps rights in a namespace that is being deleted, and is deleted last',
      ).env('TIANGONG_HOLD_BINDING'),
    )
    .addOption(new Option('--no-leader-elect', 'work without a Lease; only when no other operator runs'))
    .addOption(
      new Option('--workers <count>', 'tasks written at the same time')
        .env('TIANGONG_WORKERS')
        .argParser(integer(1, 1000))
        .default(32),
    )
    .addOption(
      new Option('--health-host <address>', 'of /healthz, /readyz and /metrics')
        .env('TIANGONG_HEALTH_HOST')
        .default('127.0.0.1'),
    )
    .addOption(
      new Option('--health-port <port>', '0: any free one')
        .env('TIANGONG_HEALTH_PORT')
        .argParser(integer(0, 65_535))
        .default(8081),
    )
    .addOption(
      new Option('--log-level <level>', 'of what goes to standard output')
        .env('LOG_LEVEL')
        .choices(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
        .default('info'),
    );
  for (const option of poolOptions()) program.addOption(option);
  const flags = program
    .parse(argv)
    .opts<Omit<OperatorConfig, 'kubeconfig' | 'holdBinding' | 'pools'> & PoolFlags & OptionalFlags>();
  return { ...flags, kubeconfig: flags.kubeconfig, holdBinding: flags.holdBinding, pools: poolSettings(flags) };
}
