// Generated from crds/deploytasks.yaml by `make generate`. Do not edit.
import type { KubeObject } from '../object.ts';

/**
 * DeployTask is one bounded piece of work (a shell command, an HTTP request, Kubernetes objects, database statements) that runs once, on one agent. Its spec is immutable but for cancel, approved, priority and ttlSecondsAfterFinished; a rerun is a new DeployTask.
 */
export interface DeployTaskBody {
  spec: DeployTaskSpec;
  status?: DeployTaskStatus;
}
/**
 * What is to be done, where, and within which bounds.
 */
export interface DeployTaskSpec {
  /**
   * The name of the Agent that runs the task. Exactly one of agent and agentSelector is set.
   */
  agent?: string;
  /**
   * Chooses one agent by the labels of its Agent object: of those that match, are online and are schedulable, the least loaded.
   */
  agentSelector?: {
    /**
     * Labels that the agent must have, with these values.
     */
    matchLabels?: {
      [k: string]: string;
    };
    /**
     * Requirements that the agent's labels must meet, all of them.
     */
    matchExpressions?: {
      /**
       * The label's key.
       */
      key: string;
      /**
       * How key and values relate.
       */
      operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
      /**
       * The values for In and NotIn; absent for Exists and DoesNotExist.
       */
      values?: string[];
    }[];
  };
  /**
   * What kind of work the task is; it decides what command and params mean.
   */
  type:
    | 'shell'
    | 'api'
    | 'k8s'
    | 'mysql'
    | 'postgres'
    | 'mongo'
    | 'elasticsearch'
    | 'clickhouse'
    | 'doris'
    | 'file'
    | 'sync-action';
  /**
   * The shell command, the HTTP method, the manifests, the SQL text or the operation, by type. At most 64 KiB in UTF-8; a longer one goes to the store and is named by commandFrom.
   */
  command?: string;
  /**
   * Names a command that is too long to stand here. Written by the API server of Tiangong.
   */
  commandFrom?: {
    /**
     * A blob in Tiangong's store.
     */
    blob: {
      /**
       * The blob's name in the store.
       */
      id: string;
      /**
       * SHA-256 of the bytes, in lower-case hexadecimal; the agent verifies it.
       */
      sha256: string;
      /**
       * The command's length in bytes.
       */
      bytes: number;
    };
  };
  /**
   * Parameters of the type, under the manual's own names. Known ones are typed here; unknown ones are kept. Credentials may not stand here: name a Secret of type tiangong.io/credential instead.
   */
  params?: {
    /**
     * api: the address to request, http or https. User information in it is refused.
     */
    url?: string;
    /**
     * api: request headers. Those that carry credentials may not stand here; name a Secret in headers_secret_ref.
     */
    headers?: {
      [k: string]: string;
    };
    /**
     * api: a Secret of type tiangong.io/credential whose keys are request headers.
     */
    headers_secret_ref?: string;
    /**
     * A Secret of type tiangong.io/credential in the task's namespace.
     */
    secret_ref?: string;
    /**
     * api: the request body: a string is sent as it is, anything else as JSON.
     */
    body?: {
      [k: string]: unknown;
    };
    /**
     * api: whether the server's certificate is verified; true unless set.
     */
    verify_ssl?: boolean;
    /**
     * api: whether redirects are followed, at most ten; true unless set.
     */
    follow_redirects?: boolean;
    /**
     * shell: the program that gets `-c` and the command; sh unless set.
     */
    shell?: string;
    /**
     * shell: environment variables, beside PATH, HOME, LANG and TZ.
     */
    env?: {
      [k: string]: string;
    };
    /**
     * shell: the working directory; the agent's work folder unless set.
     */
    cwd?: string;
    /**
     * shell: what the command reads from its standard input; empty unless set.
     */
    stdin?: string;
    /**
     * k8s: create, update, delete, patch, apply (unless set), get, describe, logs, events or rollout. file: distribute.
     */
    operation?: string;
    /**
     * k8s: the namespace, before that of a manifest and that of the agent's configuration.
     */
    namespace?: string;
    /**
     * k8s: the patch type when operation is patch; strategic unless set.
     */
    patch_type?: 'strategic' | 'merge' | 'json';
    /**
     * k8s: apply takes over fields that another manager owns. mysql: a rollback overwrites rows that have changed since, and is done also where it is not exact.
     */
    force?: boolean;
    /**
     * k8s: the server checks everything and changes nothing.
     */
    dry_run?: boolean;
    /**
     * k8s: the task ends when the objects are ready, or gone after a delete.
     */
    wait?: boolean;
    /**
     * k8s: the service account, as name or namespace/name, whose rights the task has instead of those that the agent is set up to use.
     */
    service_account?: string;
    /**
     * k8s: the kind, plural or short name of the object, where command is no manifest.
     */
    resource?: string;
    /**
     * k8s: the name of the object, where command is no manifest.
     */
    name?: string;
    /**
     * k8s: the API version of the kind, such as apps/v1.
     */
    api_version?: string;
    /**
     * k8s: which objects get lists, by their labels.
     */
    label_selector?: string;
    /**
     * k8s: which objects get and events list, by their fields.
     */
    field_selector?: string;
    /**
     * k8s: the container whose log is read; the only or default one unless set.
     */
    container?: string;
    /**
     * k8s: read the log of the container's previous run.
     */
    previous?: boolean;
    /**
     * k8s: how many of the last lines of the log are read.
     */
    tail_lines?: number;
    /**
     * k8s: how far back the log is read, in seconds.
     */
    since_seconds?: number;
    /**
     * k8s: the log is read on until the container ends.
     */
    follow?: boolean;
    /**
     * k8s: after how many seconds following a log is enough; the task's own time unless set.
     */
    follow_seconds?: number;
    /**
     * k8s: get and events list those of all namespaces.
     */
    all_namespaces?: boolean;
    /**
     * k8s: the revision that rollout undo goes back to; the one before unless set.
     */
    revision?: number;
    /**
     * k8s: how many objects or events are shown at most.
     */
    limit?: number;
    /**
     * k8s: the format of get, json (unless set) or yaml.
     */
    output?: 'json' | 'yaml';
    /**
     * k8s: what rollout does.
     */
    action?: 'status' | 'restart' | 'undo' | 'pause' | 'resume';
    /**
     * Databases: text (unless set) or json.
     */
    result_format?: 'text' | 'json';
    /**
     * mysql and doris: only answers the review of the statements and executes none.
     */
    review?: 'only';
    /**
     * The task waits as Pending, with the reason AwaitingApproval, until somebody approves it.
     */
    approve?: 'required';
    /**
     * mysql: the task that this one rolls back. Written by the API server of Tiangong.
     */
    rollback_of?: string;
    /**
     * Databases: the name of a connection in the agent's configuration.
     */
    connection?: string;
    /**
     * Databases: the database, unless target names one.
     */
    database?: string;
    /**
     * Databases and k8s: the entry of a zip file to execute.
     */
    file_name?: string;
    /**
     * Databases and k8s: the path on the agent of a file to execute; counts before fileId.
     */
    file_path?: string;
    /**
     * file: where the file is put on the agent; below its work folder unless set.
     */
    target_path?: string;
    /**
     * Databases: the server to connect to.
     */
    target?: {
      /**
       * The server's host name or address, without a port or a login.
       */
      host?: string;
      /**
       * The server's port.
       */
      port?: number;
      /**
       * The user to log in as.
       */
      user?: string;
      /**
       * A Secret of type tiangong.io/credential in the task's namespace.
       */
      secret_ref?: string;
      /**
       * The database.
       */
      db?: string;
      /**
       * The database; the same as db.
       */
      database?: string;
      /**
       * How TLS is used, as libpq has it: disable, allow, prefer, require, verify-ca or verify-full.
       */
      sslmode?: 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
      /**
       * PEM certificates that the server's is checked against; the system's unless set.
       */
      ca?: string;
      /**
       * Whether the server's certificate is verified; true unless set.
       */
      verify_ssl?: boolean;
      /**
       * mongo: the database of the user; admin unless set.
       */
      auth_source?: string;
      /**
       * The protocol to speak, where the server has several.
       */
      protocol?: string;
      /**
       * Declared only to be refused.
       */
      password?: string;
      /**
       * Declared only to be refused.
       */
      passwd?: string;
      /**
       * Declared only to be refused.
       */
      api_key?: string;
      /**
       * Declared only to be refused.
       */
      token?: string;
      [k: string]: unknown;
    };
    /**
     * Databases: how the statements are executed.
     */
    exec_options?: {
      /**
       * How many statements one transaction holds at most.
       */
      trans_batch_size?: number;
      /**
       * mongo: whether all operations are one transaction; false unless set.
       */
      transaction?: boolean;
      /**
       * mongo: whether the operations after a failed one are executed; false unless set.
       */
      continue_on_error?: boolean;
      /**
       * mongo: whether operations may hold code that the server runs; false unless set.
       */
      allow_javascript?: boolean;
      /**
       * Whether changes are backed up so that they can be rolled back.
       */
      backup?: boolean;
      /**
       * mysql and postgres: whether a row of tiangong.statement_ledger is written with each transaction, so that a restarted agent knows what was done and goes on; false unless set.
       */
      ledger?: boolean;
      /**
       * How long to pause between transactions, in milliseconds.
       */
      sleep_ms?: number;
      /**
       * How long the execution may take, in milliseconds.
       */
      timeout_ms?: number;
      /**
       * How many statements may run at once.
       */
      concurrency?: number;
      [k: string]: unknown;
    };
    /**
     * Who asked for this and why; recorded and searchable, never acted upon.
     */
    metadata?: {
      /**
       * The environment, such as prod.
       */
      env?: string;
      /**
       * Who asked for it.
       */
      creator?: string;
      /**
       * The ticket that it belongs to.
       */
      ticket?: string;
      [k: string]: unknown;
    };
    /**
     * Declared only to be refused.
     */
    password?: string;
    /**
     * Declared only to be refused.
     */
    passwd?: string;
    /**
     * Declared only to be refused.
     */
    api_key?: string;
    /**
     * Declared only to be refused.
     */
    token?: string;
    [k: string]: unknown;
  };
  /**
   * An uploaded file that the task uses; a shell command finds it at $TIANGONG_FILE.
   */
  fileId?: string;
  /**
   * SHA-256 of the file's bytes, in lower-case hexadecimal. The agent uses no other bytes. Written by the API server of Tiangong; a task that waits for approval must have it.
   */
  fileSha256?: string;
  /**
   * How long the work may take once started, in seconds; the agent enforces it. Unless set, 1800 for shell, k8s and file, 30 for api, and for databases 30 more than exec_options.timeout_ms, which is 600 unless set and 1800 for doris.
   */
  timeoutSeconds?: number;
  /**
   * How long after its creation the task may wait to be started, in seconds; then it is Failed with reason StartDeadlineExceeded.
   */
  startDeadlineSeconds?: number;
  /**
   * Whether running the work twice does no harm. Such a task is ended by an agent that cannot reach Kubernetes; others go on there and are reported later. None is started again by itself.
   */
  idempotent?: boolean;
  /**
   * Which of the tasks that wait for a place on an agent goes first; higher before lower.
   */
  priority?: number;
  /**
   * Set to true to cancel the task; it may not be taken back.
   */
  cancel?: boolean;
  /**
   * Set to true to let a task run that waits for approval (params.approve); it may not be set at creation or taken back.
   */
  approved?: boolean;
  /**
   * How long after its end the task is kept, in seconds; then it is deleted. A task without it is kept.
   */
  ttlSecondsAfterFinished?: number;
}
/**
 * What has been observed. Written by the operator and, once assigned, by the agent.
 */
export interface DeployTaskStatus {
  /**
   * Where the task is in its life. Succeeded, Failed, Canceled and Unknown are end states; Unknown says that the work may or may not have happened.
   */
  state?: 'Pending' | 'Assigned' | 'Running' | 'Succeeded' | 'Failed' | 'Canceled' | 'Unknown';
  /**
   * The newest generation of the object that the operator has acted on.
   */
  observedGeneration?: number;
  /**
   * Assigned, Succeeded, Finished, and Reconciling or Stalled for kstatus tools.
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
  /**
   * Which agent the task is given to. Each assignment raises epoch, which fences earlier ones.
   */
  assignment?: {
    /**
     * The name of the Agent.
     */
    agent: string;
    /**
     * The random id of the agent's process, as its Lease's holder had it.
     */
    instance?: string;
    /**
     * The number of this assignment; the first is 1.
     */
    epoch: number;
    /**
     * When the task was assigned.
     */
    time?: string;
  };
  /**
   * When the agent started the work, with milliseconds.
   */
  startTime?: string;
  /**
   * When the task ended, with milliseconds.
   */
  completionTime?: string;
  /**
   * How long the work took, such as 1.25s; set at the end, for printing.
   */
  duration?: string;
  /**
   * shell: the command's exit status, or 128 plus the signal that ended it.
   */
  exitCode?: number;
  /**
   * What the work brought.
   */
  result?: {
    /**
     * The result; of a large one its head and tail. At most 32 KiB of UTF-8.
     */
    text?: string;
    /**
     * The length of the whole result in bytes.
     */
    bytes: number;
    /**
     * SHA-256 of the whole result, in lower-case hexadecimal.
     */
    sha256?: string;
    /**
     * Whether text is less than the whole, which is then in the store under ref.
     */
    truncated?: boolean;
    /**
     * The name of the whole result in Tiangong's store.
     */
    ref?: string;
  };
  /**
   * Why the task did not succeed; its code is the reason of the condition Succeeded.
   */
  error?: string;
  /**
   * What the work printed, line by line.
   */
  log?: {
    /**
     * How many lines the whole log has.
     */
    total: number;
    /**
     * Whether lines are less than the whole, which is then in the store under ref.
     */
    truncated?: boolean;
    /**
     * The name of the whole log in Tiangong's store.
     */
    ref?: string;
    /**
     * The lines; of a large log the first and the last.
     */
    lines?: {
      /**
       * The line's number; the first is 1.
       */
      id: number;
      /**
       * How important the line is.
       */
      level?: 'debug' | 'info' | 'warn' | 'error' | 'audit';
      /**
       * When the line was printed, with milliseconds.
       */
      timestamp?: string;
      /**
       * The line.
       */
      message: string;
    }[];
  };
  /**
   * The SQL that undoes what the task did.
   */
  rollback?: {
    /**
     * Whether there is something to run.
     */
    available: boolean;
    /**
     * Whether it brings back every row as it was; why not, if not, is in message.
     */
    exact: boolean;
    /**
     * How many statements it has.
     */
    statements: number;
    /**
     * Why it is not available or not exact.
     */
    message?: string;
    /**
     * The SQL in the order in which it is to be run; of a long one its beginning.
     */
    text?: string;
    /**
     * The length of the whole in bytes.
     */
    bytes: number;
    /**
     * SHA-256 of the whole, in lower-case hexadecimal.
     */
    sha256?: string;
    /**
     * Whether text is less than the whole, which is then in the store under ref.
     */
    truncated?: boolean;
    /**
     * The name of the whole in Tiangong's store.
     */
    ref?: string;
  };
  /**
   * What was approved. Written by the operator when it lets the task run.
   */
  approval?: {
    /**
     * What was approved, as `sha256:` and the digest of agent, type, command, file and parameters. The agent executes nothing else.
     */
    digest: string;
    /**
     * Who approved it, where callers have identities.
     */
    by?: string;
    /**
     * When the operator saw the approval.
     */
    time: string;
  };
  /**
   * How an Unknown outcome was settled.
   */
  resolution?: {
    /**
     * Who settled it, an agent or a person.
     */
    by: string;
    /**
     * What shows it.
     */
    evidence: string;
  };
}

/** A DeployTask as the API server returns it. */
export type DeployTask = KubeObject & DeployTaskBody;
