import { Option } from 'commander';
import type { PoolSettings } from './pool-settings.ts';

/** What commander gives for the options below. */
export interface PoolFlags {
  readonly agentImage?: string;
  readonly agentImagePullPolicy?: string;
  readonly agentImagePullSecrets?: string;
  readonly agentServiceAccount?: string;
  readonly agentApiUrl?: string;
  readonly agentApiCaConfigMap?: string;
  readonly instance?: string;
  readonly hostNamespace?: string;
}

/** Where an operator in a cluster is told what it needs for the pods of AgentPools. */
export const poolOptions = (): Option[] => [
  new Option('--agent-image <image>', 'the image of the agents of AgentPools; none are made unless set').env(
    'TIANGONG_AGENT_IMAGE',
  ),
  new Option('--agent-image-pull-policy <policy>', 'when it is pulled')
    .env('TIANGONG_AGENT_IMAGE_PULL_POLICY')
    .choices(['Always', 'IfNotPresent', 'Never']),
  new Option('--agent-image-pull-secrets <names>', 'Secrets that it is pulled with, with commas between').env(
    'TIANGONG_AGENT_IMAGE_PULL_SECRETS',
  ),
  new Option('--agent-service-account <name>', 'whose rights the agents have').env('TIANGONG_AGENT_SERVICE_ACCOUNT'),
  new Option('--agent-api-url <url>', "where the agents find Tiangong's API").env('TIANGONG_AGENT_API_URL'),
  new Option(
    '--agent-api-ca-config-map <name>',
    "the ConfigMap whose ca.crt the API's certificate is checked against",
  ).env('TIANGONG_AGENT_API_CA_CONFIG_MAP'),
  new Option('--instance <name>', 'the label app.kubernetes.io/instance of the pods').env('TIANGONG_INSTANCE'),
  new Option('--host-namespace <name>', 'where agents with access to their nodes run; there are none unless set').env(
    'TIANGONG_HOST_NAMESPACE',
  ),
];

/** Undefined: this operator has no part in AgentPools. */
export function poolSettings(flags: PoolFlags): PoolSettings | undefined {
  const image = given(flags.agentImage);
  if (image === undefined) return undefined;
  return {
    image,
    imagePullPolicy: given(flags.agentImagePullPolicy),
    imagePullSecrets: words(flags.agentImagePullSecrets),
    serviceAccount: given(flags.agentServiceAccount),
    hostNamespace: given(flags.hostNamespace),
    apiUrl: given(flags.agentApiUrl),
    apiCaConfigMap: given(flags.agentApiCaConfigMap),
    instance: given(flags.instance),
  };
}

const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

const words = (text = ''): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
