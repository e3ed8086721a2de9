import { Command, Option } from 'commander';
import { integer } from '../option-values.ts';

export interface ApplyPoolsConfig {
  /** Path of a kubeconfig; undefined: $KUBECONFIG, ~/.kube/config or the pod's service account. */
  readonly kubeconfig: string | undefined;
  readonly homeNamespace: string;
  readonly release: string;
  readonly poolsFile: string;
  readonly timeoutMs: number;
}

/** Reads flags, and the environment for those that are not given. Exits with a message when one is wrong. */
export function readConfig(argv: readonly string[]): ApplyPoolsConfig {
  const program = new Command('tiangong-apply-pools')
    .description(
      'Makes the AgentPools of a release such as its chart says. Run by helm after each change of the release.',
    )
    .addOption(new Option('--kubeconfig <path>', 'how to reach the Kubernetes API'))
    .addOption(
      new Option('--home-namespace <name>', "the release's own").env('TIANGONG_HOME_NAMESPACE').default('default'),
    )
    .addOption(new Option('--release <name>', 'of the chart').env('TIANGONG_INSTANCE').makeOptionMandatory())
    .addOption(
      new Option('--pools-file <path>', 'the pools, as a list in YAML')
        .env('TIANGONG_POOLS_FILE')
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--timeout-seconds <count>', 'how long calls are tried again')
        .env('TIANGONG_APPLY_TIMEOUT_SECONDS')
        .argParser(integer(1, 3600))
        .default(60),
    );
  const { timeoutSeconds, kubeconfig, ...rest } = program
    .parse(argv)
    .opts<Omit<ApplyPoolsConfig, 'kubeconfig' | 'timeoutMs'> & { kubeconfig?: string; timeoutSeconds: number }>();
  return { ...rest, kubeconfig, timeoutMs: timeoutSeconds * 1000 };
}
