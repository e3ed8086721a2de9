// Generated from crds/agentpools.yaml by `make generate`. Do not edit.
import type { KubeObject } from '../object.ts';

/**
 * AgentPool is a number of agents of one sort in the cluster: one on each node (DaemonSet), or some anywhere (Deployment). The operator makes the workload and keeps it as this object says; the agents register by themselves.
 */
export interface AgentPoolBody {
  spec: AgentPoolSpec;
  status?: AgentPoolStatus;
}
/**
 * What the agents are like, and how many.
 */
export interface AgentPoolSpec {
  /**
   * DaemonSet is one agent on each node that nodeSelector matches, named <pool>-<node>; Deployment is replicas agents anywhere, named as their pods.
   */
  workload: 'DaemonSet' | 'Deployment';
  /**
   * How many agents a Deployment has; 1 unless set.
   */
  replicas?: number;
  /**
   * Whether shell tasks run in the namespaces of the node itself, as root. Such pods are privileged and run in the host namespace of the installation, never in its own.
   */
  hostAccess?: boolean;
  /**
   * The image of the agents; that of the installation unless set.
   */
  image?: string;
  /**
   * When the image is pulled; as the installation says unless set.
   */
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  /**
   * Labels of the nodes that agents run on.
   */
  nodeSelector?: {
    [k: string]: string;
  };
  /**
   * Taints that agents put up with, as in a pod.
   */
  tolerations?: {}[];
  /**
   * Where agents would rather run, as in a pod.
   */
  affinity?: {};
  /**
   * How agents are spread, as in a pod.
   */
  topologySpreadConstraints?: {}[];
  /**
   * How important the pods are.
   */
  priorityClassName?: string;
  /**
   * What an agent asks for and may use, as in a container.
   */
  resources?: {};
  /**
   * The environment that the agents belong to, such as prod.
   */
  env?: string;
  /**
   * Labels of the Agent objects.
   */
  labels?: {
    [k: string]: string;
  };
  /**
   * Free words for people and programs to find the agents by.
   */
  tags?: string[];
  /**
   * How many tasks each agent runs at once; what its Agent says unless set.
   */
  maxConcurrent?: number;
  /**
   * Whose tasks the agents take, beside those of their own namespace. An asterisk stands for all.
   */
  namespaces?: string[];
  /**
   * Settings of task types, as under plugins in an agent's configuration file. Passwords are named as files or variables, never written here.
   */
  plugins?: {
    /**
     * The task type.
     */
    type: string;
    [k: string]: unknown;
  }[];
  /**
   * Patterns of allowed and blocked shell commands, as in an agent's security file.
   */
  securityPolicy?: string;
  /**
   * Secrets of the pods' namespace whose keys become files under /etc/tiangong/connections/<name>/, for password_file and ca_file of plugins.
   */
  connectionSecrets?: string[];
  /**
   * The ServiceAccount, in the pods' namespace, whose rights k8s tasks have; without it they are refused.
   */
  taskServiceAccountName?: string;
  /**
   * How long an agent that is being replaced may finish what it has begun.
   */
  terminationGracePeriodSeconds?: number;
  /**
   * How many agents may be replaced at a time, as a number or a percentage.
   */
  maxUnavailable?: string;
  /**
   * Annotations of the pods.
   */
  podAnnotations?: {
    [k: string]: string;
  };
  /**
   * More volumes of the pods, such as folders that syncs read.
   */
  volumes?: {
    /**
     * The volume's name.
     */
    name: string;
    [k: string]: unknown;
  }[];
  /**
   * Where they are mounted.
   */
  volumeMounts?: {
    /**
     * The volume's name.
     */
    name: string;
    /**
     * Where.
     */
    mountPath: string;
    [k: string]: unknown;
  }[];
}
/**
 * What there is. Written by the operator.
 */
export interface AgentPoolStatus {
  /**
   * The generation that this status is about; -1 until the operator has seen the pool.
   */
  observedGeneration?: number;
  /**
   * The DaemonSet or Deployment of the pool.
   */
  workload?: {
    /**
     * Its kind.
     */
    kind: 'DaemonSet' | 'Deployment';
    /**
     * Its namespace.
     */
    namespace: string;
    /**
     * Its name.
     */
    name: string;
  };
  /**
   * How many agents there should be.
   */
  desired?: number;
  /**
   * How many pods there are.
   */
  current?: number;
  /**
   * How many are as the spec says.
   */
  updated?: number;
  /**
   * How many are ready.
   */
  ready?: number;
  /**
   * How many have been ready for a while.
   */
  available?: number;
  /**
   * Ready: whether all agents of the pool run as its spec says; Reconciling: whether they are on the way there; Stalled: what only a person can mend.
   */
  conditions?: {
    /**
     * What the condition is about, in CamelCase.
     */
    type: string;
    /**
     * Whether it holds.
     */
    status: 'True' | 'False' | 'Unknown';
    /**
     * Why, as one CamelCase word that programs may rely on.
     */
    reason: string;
    /**
     * Why, for a person to read.
     */
    message: string;
    /**
     * The generation that the condition was set for.
     */
    observedGeneration?: number;
    /**
     * When status last changed.
     */
    lastTransitionTime: string;
  }[];
}

/** A AgentPool as the API server returns it. */
export type AgentPool = KubeObject & AgentPoolBody;
