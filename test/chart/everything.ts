import type { ChartValues } from './helm.ts';

const component = {
  extraEnv: [{ name: 'A', value: 'b' }],
  extraEnvFrom: [{ configMapRef: { name: 'more', optional: true } }],
  extraVolumes: [{ name: 'more', emptyDir: {} }],
  extraVolumeMounts: [{ name: 'more', mountPath: '/more' }],
  podAnnotations: { 'example.org/a': 'b' },
  podLabels: { 'example.org/c': 'd' },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'a', operator: 'Exists' }],
  affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
  priorityClassName: 'system-cluster-critical',
};

/** Values that switch on everything that can be, but a wider scope. */
export const EVERYTHING: ChartValues = {
  commonLabels: { 'example.org/team': 'ops' },
  image: { pullSecrets: ['registry'] },
  api: {
    ...component,
    corsOrigins: ['https://a.example', 'https://b.example'],
    tls: { extraNames: ['tiangong.example', '192.0.2.1', '2001:db8::1'] },
    service: { type: 'NodePort', nodePort: 30_080, annotations: { 'example.org/e': 'f' } },
    ingress: {
      enabled: true,
      className: 'nginx',
      annotations: { 'nginx.ingress.kubernetes.io/backend-protocol': 'HTTPS' },
      hosts: [{ host: 'tiangong.example' }, { host: 'b.example', paths: [{ path: '/x', pathType: 'Exact' }] }],
      tls: [{ hosts: ['tiangong.example'], secretName: 'web' }],
    },
  },
  store: {
    persistence: { annotations: { 'example.org/g': 'h' } },
    s3: { bucket: 'files', endpoint: 'https://s3.example', pathStyle: true, existingSecret: 's3-login' },
  },
  operator: component,
  agents: {
    hostAccess: { enabled: true },
    pools: {
      nodes: {
        workload: 'DaemonSet',
        hostAccess: true,
        tolerations: [{ operator: 'Exists' }],
        plugins: [{ type: 'file', config: { roots: ['/srv'] } }],
        labels: { zone: 'a' },
        maxUnavailable: '10%',
      },
    },
  },
  tasks: { serviceAccount: { annotations: { 'example.org/i': 'j' } } },
  metrics: { serviceMonitor: { enabled: true, labels: { release: 'prometheus' } } },
  networkPolicy: {
    enabled: true,
    apiFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress' } } }],
    metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    agentEgress: [{ to: [{ ipBlock: { cidr: '192.0.2.0/24' } }], ports: [{ port: 3306, protocol: 'TCP' }] }],
    apiEgress: [{ ports: [{ port: 443, protocol: 'TCP' }] }],
  },
};
