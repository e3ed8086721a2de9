import type { Credential } from '../executors/executor.ts';

/** What wizards send (facts §1.9), with the logins apart. */
export interface ActionInput {
  readonly uri?: string;
  readonly path?: string;
  readonly endpoint?: string;
  /** Of an administrator: `user` and `passwd`. */
  readonly adminCreds: Credential | undefined;
  /** `user` and `passwd`, or `user` and `key`. */
  readonly credential: Credential | undefined;
  readonly driverParams: Readonly<Record<string, unknown>>;
  /** As `SourceTools.mayRead`. */
  readonly mayRead?: (path: string) => Promise<boolean>;
}

/** A field that a source offers or a consumer needs, as JSON Schema. */
export interface FieldSchema {
  readonly type: string;
  readonly column_index?: number;
  readonly [keyword: string]: unknown;
}

export interface FieldsSchema {
  readonly type?: 'object';
  readonly properties: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
}

export interface ActionResult {
  readonly success: boolean;
  /** For a person; no secret stands in it. */
  readonly message: string;
  readonly fields?: FieldsSchema;
}

/** One step of a wizard, done against the real server. Resolves with `success: false` for what the caller can mend. */
export type DriverAction = (input: ActionInput, signal: AbortSignal) => Promise<ActionResult>;
