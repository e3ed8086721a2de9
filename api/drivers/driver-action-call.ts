/** A login as REST callers give it: `user` and `passwd`, or `key` and perhaps `user` (facts §1.2). */
export interface DriverLogin {
  readonly user?: string | null | undefined;
  readonly passwd?: string | null | undefined;
  readonly key?: string | null | undefined;
}

/** What wizards send (facts §1.9). */
export interface DriverActionInput {
  readonly uri?: string | null | undefined;
  readonly path?: string | null | undefined;
  readonly endpoint?: string | null | undefined;
  readonly admin_creds?: DriverLogin | null | undefined;
  readonly credential?: DriverLogin | null | undefined;
  /** A Secret of the caller's own, in place of `credential`. */
  readonly secret_ref?: string | undefined;
  readonly driver_params?: Readonly<Record<string, unknown>> | null | undefined;
}

/** One action of a driver, to be run on an agent. */
export interface DriverActionCall {
  readonly side: 'source' | 'pusher';
  readonly driver: string;
  readonly action: string;
  readonly input: DriverActionInput;
  /** The agent that runs it; one that is online unless given. */
  readonly agentId?: string | undefined;
  /** Who asked for it, where callers have identities. */
  readonly createdBy?: string | undefined;
}

export interface DriverActionAnswer {
  readonly success: boolean;
  readonly message: string;
  readonly fields?: { readonly properties: Readonly<Record<string, unknown>>; readonly required?: readonly string[] };
  /** The DeployTask that it was, by its REST id. */
  readonly taskId: string;
}

/** Runs actions of drivers. Rejects with an `ApiError` when no agent could run it or it had no end in time. */
export interface DriverActionRunner {
  run(call: DriverActionCall, signal: AbortSignal): Promise<DriverActionAnswer>;
}
