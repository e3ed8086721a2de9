import { Command, Option } from 'commander';
import { ALL_NAMESPACES } from '../../kube/watched-namespaces.ts';
import { integer, namespaces } from '../option-values.ts';
import type { CleanUpSettings } from './clean-up.ts';

export interface CleanUpConfig {
  /** Path of a kubeconfig; undefined: $KUBECONFIG, ~/.kube/config or the pod's service account. */
  readonly kubeconfig: string | undefined;
  readonly settings: CleanUpSettings;
}

interface Flags {
  kubeconfig?: string;
  homeNamespace: string;
  namespaces: readonly string[];
  operatorDeployment?: string;
  hostNamespace?: string;
  timeoutSeconds: number;
}

/** Reads flags, and the environment for those that are not given. Exits with a message when one is wrong. */
export function readConfig(argv: readonly string[]): CleanUpConfig {
  const program = new Command('tiangong-cleanup')
    .description(
      "Makes a release ready to be uninstalled: ends its agent pools, stops its operator, and takes Tiangong's finalizers off.",
    )
    .addOption(new Option('--kubeconfig <path>', 'how to reach the Kubernetes API'))
    .addOption(
      new Option('--home-namespace <name>', "the release's own").env('TIANGONG_HOME_NAMESPACE').default('default'),
    )
    .addOption(
      new Option('--namespaces <list>', 'where finalizers are taken off, beside the home namespace; * for all')
        .env('TIANGONG_NAMESPACES')
        .argParser(namespaces)
        .default([ALL_NAMESPACES], ALL_NAMESPACES),
    )
    .addOption(
      new Option('--operator-deployment <name>', "the operator's, which is scaled to 0; not unless set").env(
        'TIANGONG_OPERATOR_DEPLOYMENT',
      ),
    )
    .addOption(
      new Option(
        '--host-namespace <name>',
        'where agents with access to their nodes run; there are none unless set',
      ).env('TIANGONG_HOST_NAMESPACE'),
    )
    .addOption(
      new Option('--timeout-seconds <count>', 'after which it ends, whatever is left')
        .env('TIANGONG_CLEANUP_TIMEOUT_SECONDS')
        .argParser(integer(1, 3600))
        .default(210),
    );
  const {
    kubeconfig,
    timeoutSeconds,
    homeNamespace,
    namespaces: watched,
    ...flags
  } = program.parse(argv).opts<Flags>();
  return {
    kubeconfig,
    settings: {
      ...{ homeNamespace, namespaces: watched, timeoutMs: timeoutSeconds * 1000 },
      operatorDeployment: given(flags.operatorDeployment),
      hostNamespace: given(flags.hostNamespace),
    },
  };
}

const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text);
