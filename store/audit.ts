/** Something that somebody did, or tried to do. No credential may be in it, and nothing of a body. */
export interface NewAuditRecord {
  /** What: the operation's name in the contract of REST, such as `createTask`, or a word of the same form. */
  readonly action: string;
  /** Who, as the Kubernetes API calls users. */
  readonly user: string;
  /** The address that the call came from; `kubernetes` for what the API saw there. */
  readonly source: string;
  /** What it was done to, such as `tasks/ID`. */
  readonly object: string;
  /** What proxies said about where the call came from: anybody may have written that. */
  readonly forwarded_for?: string;
  /** The object's, where it is known. */
  readonly uid?: string;
  readonly method?: string;
  /** Without the query. */
  readonly path?: string;
  /** HTTP status; 499 when the caller went before the answer. */
  readonly status?: number;
  /** The error's code. */
  readonly code?: string;
  readonly request_id?: string;
  /** How many calls like this one were left out before it, because they were too many. */
  readonly omitted?: number;
}

/** A record as it was kept. */
export interface AuditRecord extends NewAuditRecord {
  /** From 1 on, without a gap. */
  readonly seq: number;
  /** An ISO time. */
  readonly time: string;
  /** `hash` of the record before; of the first, 64 zeros. */
  readonly previous: string;
  /** SHA-256, in hexadecimal, of the record's other members as JSON with sorted keys and no white space. */
  readonly hash: string;
}

/** A place in the chain. */
export interface AuditMark {
  readonly seq: number;
  readonly hash: string;
}

export interface AuditQuery {
  /** At least 1. */
  readonly limit: number;
  /** Only records with higher numbers, oldest first. Without it newest first. */
  readonly after?: number | undefined;
  /** Only records with lower numbers. */
  readonly before?: number | undefined;
  readonly user?: string | undefined;
  readonly action?: string | undefined;
  readonly object?: string | undefined;
  readonly code?: string | undefined;
}

export interface AuditVerification {
  /** Records that were looked at. */
  readonly records: number;
  readonly head: AuditMark;
  /** The first number at which the chain does not hold; undefined when it does. */
  readonly broken: number | undefined;
  /** What is wrong there. */
  readonly reason: string | undefined;
}

/** Who did what: records are only ever added, each with the hash of the one before. Implementations pass `describeAudit`. */
export interface Audit {
  /** The newest record; number 0 and 64 zeros before the first. */
  readonly head: AuditMark;
  /** The newest of the records that were removed for their age or number; the chain begins after it. */
  readonly anchor: AuditMark;
  /** Resolves once the record survives the end of the process. Texts are cut to 1,024 characters and hold no control characters. */
  append(record: NewAuditRecord): Promise<AuditMark>;
  list(query: AuditQuery): Promise<readonly AuditRecord[]>;
  /** Whether there is a record with the uid; of the action, if one is given. */
  has(uid: string, action?: string): boolean;
  /** Looks at every record. Calls at the same time share one look. */
  verify(): Promise<AuditVerification>;
  /** Removes the oldest records that are beyond the bounds of age and number, and records that. Resolves with how many. */
  retain(): Promise<number>;
}
