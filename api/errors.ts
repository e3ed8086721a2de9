/** Every error that REST answers with: its HTTP status, and its text where that never varies. Codes do not change. */
export const ERROR_CATALOGUE = {
  InvalidRequest: { status: 400, text: 'the request is not valid' },
  InvalidJson: { status: 400, text: 'the body is not valid JSON' },
  UnsupportedTaskType: { status: 400, text: 'unsupported task type' },
  CommandEmpty: { status: 400, text: 'command is empty' },
  UrlRequired: { status: 400, text: 'url is required in params' },
  InvalidTask: { status: 400, text: 'the task is not valid' },
  ChunkCorrupt: { status: 400, text: 'the chunk does not have the digest of X-Content-SHA256' },
  ChunkInvalid: { status: 400, text: 'the chunk is not what its stream holds' },
  UploadInvalid: { status: 400, text: 'failed to upload file: no file in the field "file"' },
  ConfigExists: { status: 400, text: 'the configuration exists' },
  InvalidConfig: { status: 400, text: 'the configuration is not valid' },
  DependencyDisabled: { status: 400, text: 'what the sync needs is disabled' },
  CheckFailed: { status: 400, text: 'the check found something wrong' },
  Unauthorized: { status: 401, text: 'a valid bearer token is required' },
  Forbidden: { status: 403, text: 'the caller may not do this' },
  OriginNotAllowed: { status: 403, text: 'pages of this origin may not use the API' },
  ApproverNotAllowed: { status: 403, text: 'somebody other than its creator must approve a task' },
  NotAssigned: { status: 403, text: 'the task is not assigned to the caller at this epoch' },
  SecretNotAllowed: { status: 403, text: 'the task may not use this secret' },
  AgentNotFound: { status: 404, text: 'agent not found' },
  TaskNotFound: { status: 404, text: 'task not found' },
  BlobNotFound: { status: 404, text: 'the command is not in the store' },
  FileNotFound: { status: 404, text: 'file not found' },
  SecretNotFound: { status: 404, text: 'secret not found' },
  ConfigNotFound: { status: 404, text: 'configuration not found' },
  DependencyNotFound: { status: 404, text: 'what the sync needs was not found' },
  DriverUnknown: { status: 404, text: 'there is no such driver' },
  RouteNotFound: { status: 404, text: 'there is no such page' },
  MethodNotAllowed: { status: 405, text: 'the method is not allowed here' },
  UploadTimeout: { status: 408, text: 'failed to upload file: nothing came for too long' },
  TaskNotCancelable: { status: 409, text: 'task cannot be canceled' },
  TaskNotAwaitingApproval: { status: 409, text: 'the task does not wait for approval' },
  ApprovalMismatch: { status: 409, text: 'the task is not what the digest was made of' },
  RollbackNotAvailable: { status: 409, text: 'no rollback available' },
  RollbackNotExact: { status: 409, text: 'the rollback would not bring back every row as it was' },
  RollbackExists: { status: 409, text: 'the task is being rolled back, or has been' },
  RollbackPending: { status: 409, text: 'the agent still uploads the rollback' },
  CredentialsGone: { status: 409, text: 'the credentials of the task are gone' },
  TaskNotFinished: { status: 409, text: 'the task has not ended' },
  ResultPending: { status: 409, text: 'the agent still uploads the result' },
  IdempotencyKeyReused: { status: 409, text: 'the Idempotency-Key was used with another body' },
  IdempotencyKeyUsed: { status: 409, text: 'the task of this Idempotency-Key exists no more' },
  ChunkOutOfOrder: { status: 409, text: 'another chunk comes next' },
  StreamComplete: { status: 409, text: 'the stream is complete' },
  FileInUse: { status: 409, text: 'a task that has not ended uses the file' },
  ConfigChanged: { status: 409, text: 'the configuration has just been changed; try again' },
  ConfigBeingDeleted: { status: 409, text: 'a configuration of this id is still being deleted; try again' },
  FieldsNotDiscovered: { status: 409, text: 'the fields of the source have not been discovered' },
  BodyTooLarge: { status: 413, text: 'the body is larger than 1 MiB' },
  FileTooLarge: { status: 413, text: 'failed to upload file: it is too large' },
  UnsupportedEncoding: { status: 415, text: 'the body must be UTF-8 and have no unknown Content-Encoding' },
  RangeNotSatisfiable: { status: 416, text: 'the range is not in the file' },
  ValidationFailed: { status: 422, text: 'the request is not valid' },
  TooManyRequests: { status: 429, text: 'too many requests at once; try again' },
  Internal: { status: 500, text: 'internal error' },
  BytesMissing: { status: 500, text: 'the bytes of the file are missing from the store: upload it again' },
  KubernetesError: { status: 500, text: 'the Kubernetes API refused the request' },
  NoAgent: { status: 503, text: 'no agent is online that runs actions of drivers: start one, or name one by agent_id' },
  KubernetesUnavailable: { status: 503, text: 'the Kubernetes API cannot be reached; try again' },
  ReviewFailed: {
    status: 503,
    text: 'the Kubernetes API did not say who the caller is or what the caller may do; try again',
  },
  NotReady: { status: 503, text: 'the server has not read all tasks and agents yet' },
  ShuttingDown: { status: 503, text: 'the server is shutting down' },
  AuditUnavailable: {
    status: 503,
    text: 'no audit record can be kept, so nothing can be changed: see the disk of the store',
  },
  StoreUnavailable: { status: 503, text: 'the object store cannot be reached; try again' },
  ActionTimeout: { status: 504, text: 'the action did not end in time' },
  StoreFull: { status: 507, text: 'the store is full' },
} as const;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

export interface ApiErrorOptions extends ErrorOptions {
  /** More members of the answer's body. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** More headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer other than success. Its text is shown to the caller: it must hold no credential. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, text: string = ERROR_CATALOGUE[code].text, options: ApiErrorOptions = {}) {
    super(text, options);
    this.code = code;
    this.status = ERROR_CATALOGUE[code].status;
    this.details = options.details ?? {};
    this.headers = options.headers ?? {};
  }
}
