import type { AgentPool, AgentPoolSpec } from '../../kube/types/agentpool.ts';
import type { PoolSettings } from './pool-settings.ts';

/** What the chart tells an operator. */
export const SETTINGS: PoolSettings = {
  image: 'localhost/tiangong-agent:1',
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: ['registry'],
  serviceAccount: 'tiangong-agent',
  hostNamespace: 'home-host',
  apiUrl: 'https://tiangong-api.home.svc:8080',
  apiCaConfigMap: 'tiangong-api-ca',
  instance: 'test',
};

/** A pool named web in namespace home, as a server has it. */
export const poolWith = (spec: Partial<AgentPoolSpec> = {}, status: AgentPool['status'] = {}): AgentPool => ({
  metadata: { name: 'web', namespace: 'home', uid: 'u1', resourceVersion: '1', generation: 3 },
  spec: { workload: 'Deployment', ...spec },
  status,
});
