import type { V1Container, V1PodTemplateSpec, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import type { AgentPool } from '../../kube/types/agentpool.ts';
import { keepsStateOnNode, PATHS, stateFolder } from './agent-config.ts';
import { poolLabels } from './pool-labels.ts';
import type { PoolSettings } from './pool-settings.ts';

/** Where an agent in a pod says how it is. */
const HEALTH_PORT = 8082;

/** The user of the images. */
const USER = 65_532;

/** The name of the agent's container. */
export const AGENT_CONTAINER = 'agent';

interface Mounted {
  readonly volume: V1Volume;
  readonly mount: V1VolumeMount;
}

/** The pods of a pool. `configMap`: the one that holds the agents' configuration. */
export function podTemplate(pool: AgentPool, configMap: string, settings: PoolSettings): V1PodTemplateSpec {
  const { spec } = pool;
  const { hostAccess = false, terminationGracePeriodSeconds = 600 } = spec;
  const mounted = volumesOf(pool, configMap, settings);
  // Parts of a pod that the CRD leaves to Kubernetes: it checks them when it gets the workload.
  const given = {
    ...(spec.nodeSelector && { nodeSelector: spec.nodeSelector }),
    ...(spec.tolerations && { tolerations: spec.tolerations }),
    ...(spec.affinity && { affinity: spec.affinity }),
    ...(spec.topologySpreadConstraints && { topologySpreadConstraints: spec.topologySpreadConstraints }),
    ...(spec.priorityClassName !== undefined && { priorityClassName: spec.priorityClassName }),
  } as Partial<V1PodTemplateSpec['spec']>;
  return {
    metadata: {
      labels: poolLabels(pool.metadata.name, hostAccess, settings.instance),
      ...(spec.podAnnotations && { annotations: spec.podAnnotations }),
    },
    spec: {
      ...given,
      ...(settings.serviceAccount !== undefined && { serviceAccountName: settings.serviceAccount }),
      ...(settings.imagePullSecrets.length > 0 && {
        imagePullSecrets: settings.imagePullSecrets.map((name) => ({ name })),
      }),
      // Dozens of variables about other Services would be in the environment of every command.
      enableServiceLinks: false,
      terminationGracePeriodSeconds,
      ...(hostAccess
        ? { hostPID: true, securityContext: { runAsUser: 0, runAsGroup: 0 } }
        : {
            securityContext: {
              runAsNonRoot: true,
              ...{ runAsUser: USER, runAsGroup: USER, fsGroup: USER, fsGroupChangePolicy: 'OnRootMismatch' },
              seccompProfile: { type: 'RuntimeDefault' },
            },
          }),
      containers: [container(pool, mounted, settings)],
      volumes: [...mounted.map(({ volume }) => volume), ...((spec.volumes ?? []) as V1Volume[])],
    },
  };
}

function container({ metadata, spec }: AgentPool, mounted: readonly Mounted[], settings: PoolSettings): V1Container {
  const pullPolicy = spec.imagePullPolicy ?? settings.imagePullPolicy;
  const name =
    spec.workload === 'DaemonSet'
      ? { value: `${metadata.name}-$(NODE_NAME)` }
      : { valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } };
  const probe = (path: string): { httpGet: { path: string; port: string } } => ({ httpGet: { path, port: 'health' } });
  return {
    name: AGENT_CONTAINER,
    image: spec.image ?? settings.image,
    ...(pullPolicy !== undefined && { imagePullPolicy: pullPolicy }),
    // The one before it of the same name may be ending still, or its Lease may have to run out.
    args: ['--config', `${PATHS.config}/agent.yaml`, '--wait'],
    env: [
      { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'TIANGONG_AGENT_NAME', ...name },
      { name: 'TIANGONG_HEALTH_HOST', value: '$(POD_IP)' },
      { name: 'TIANGONG_HEALTH_PORT', value: String(HEALTH_PORT) },
    ],
    ports: [{ name: 'health', containerPort: HEALTH_PORT, protocol: 'TCP' }],
    // It ends at the first failure that only people can mend: what it says then is seen in the pod's status.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    startupProbe: { ...probe('/healthz'), periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 150 },
    livenessProbe: { ...probe('/healthz'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 2 },
    ...(spec.resources && { resources: spec.resources }),
    securityContext: spec.hostAccess
      ? { privileged: true, readOnlyRootFilesystem: true }
      : { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [...mounted.map(({ mount }) => mount), ...((spec.volumeMounts ?? []) as V1VolumeMount[])],
  };
}

/** What every agent has mounted. The names begin with ours, so that those of the pool's own volumes are free. */
function volumesOf(pool: AgentPool, configMap: string, settings: PoolSettings): Mounted[] {
  const { spec } = pool;
  const state = stateFolder(pool);
  const onNode: V1Volume = { name: 'tiangong-state', hostPath: { path: state, type: 'DirectoryOrCreate' } };
  const all: Mounted[] = [
    {
      volume: { name: 'tiangong-config', configMap: { name: configMap } },
      mount: { name: 'tiangong-config', mountPath: PATHS.config, readOnly: true },
    },
    {
      volume: keepsStateOnNode(spec) ? onNode : { name: 'tiangong-state', emptyDir: {} },
      mount: { name: 'tiangong-state', mountPath: state },
    },
    {
      volume: { name: 'tiangong-tmp', emptyDir: {} },
      mount: { name: 'tiangong-tmp', mountPath: '/tmp' },
    },
  ];
  if (settings.apiCaConfigMap !== undefined)
    all.push({
      volume: { name: 'tiangong-api-ca', configMap: { name: settings.apiCaConfigMap } },
      mount: { name: 'tiangong-api-ca', mountPath: PATHS.apiCa, readOnly: true },
    });
  for (const [index, secretName] of (spec.connectionSecrets ?? []).entries()) {
    const name = `tiangong-connection-${index}`;
    all.push({
      // Only the agent's user and group may read them.
      volume: { name, secret: { secretName, defaultMode: 0o440 } },
      mount: { name, mountPath: `${PATHS.connections}/${secretName}`, readOnly: true },
    });
  }
  return all;
}
