/** What the installation gives to the pods of every AgentPool. */
export interface PoolSettings {
  /** The image of agents whose pool names none. */
  readonly image: string;
  readonly imagePullPolicy: string | undefined;
  /** Names of Secrets in the pods' namespace. */
  readonly imagePullSecrets: readonly string[];
  /** Whose rights the agents have; one of this name is in the home namespace and in the host namespace. */
  readonly serviceAccount: string | undefined;
  /** Where pods with access to their nodes run; undefined: there are none. */
  readonly hostNamespace: string | undefined;
  /** Where agents find the API; undefined: they have none. */
  readonly apiUrl: string | undefined;
  /** A ConfigMap of the pods' namespace whose key ca.crt the API's certificate is checked against. */
  readonly apiCaConfigMap: string | undefined;
  /** The label app.kubernetes.io/instance of what is made; undefined: it has none. */
  readonly instance: string | undefined;
}
