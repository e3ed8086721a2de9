import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import type { Audit, NewAuditRecord } from '../../store/audit.ts';
import { ApiError } from '../errors.ts';
import type { OpenApiDocument } from '../openapi.ts';
import { CallNames, isRecorded } from './call-name.ts';
import type { CallName } from './call-name.ts';
import { holdAnswer } from './hold-answer.ts';
import { RefusalLimit } from './refusal-limit.ts';

export interface CallRecorderParts {
  readonly audit: Audit;
  readonly contract: OpenApiDocument;
  readonly logger: Logger;
  /** Who sent a request; undefined: somebody who showed nothing. */
  readonly identityOf: (req: Request) => string | undefined;
}

interface Call {
  readonly name: CallName;
  readonly requestId: string;
  /** Uids of tasks that the call makes, by object; undefined until one is there. */
  readonly tasks: Map<string, string | undefined>;
  isOver: boolean;
}

const REQUEST_ID = /^[\w.:/+=-]{1,128}$/;
/** Records that could not be kept; there are no more calls then until they are. */
const MAX_BACKLOG = 10_000;
const CLIENT_GONE = 499;

/**
 * Puts every call that may change something on record, and every one that was refused. The answer waits until its record
 * survives the end of this process; while records cannot be kept, nothing can be changed.
 */
export class CallRecorder {
  readonly #audit: Audit;
  readonly #logger: Logger;
  readonly #identityOf: CallRecorderParts['identityOf'];
  readonly #names: CallNames;
  readonly #refusals = new RefusalLimit();
  readonly #current = new AsyncLocalStorage<Call>();
  /** How many calls are under way that change an object. */
  readonly #open = new Map<string, number>();
  #backlog: NewAuditRecord[] = [];
  #retrying: Promise<void> | undefined;

  constructor({ audit, contract, logger, identityOf }: CallRecorderParts) {
    this.#audit = audit;
    this.#logger = logger;
    this.#identityOf = identityOf;
    this.#names = new CallNames(contract);
  }

  /** To be run before everything else that can refuse a call. */
  readonly handler: RequestHandler = async (req, res, next) => {
    const { ref } = req.query;
    const name = this.#names.of(req.method, req.path, typeof ref === 'string' ? ref : undefined);
    const given = req.get('X-Request-Id') ?? '';
    const requestId = REQUEST_ID.test(given) ? given : randomUUID();
    res.setHeader('X-Request-Id', requestId);
    const call: Call = { name, requestId, tasks: new Map(), isOver: false };
    if (!isRecorded(req.method, req.path, name)) {
      const path = req.path;
      res.once('finish', () => {
        if (res.statusCode === 401 || res.statusCode === 403) void this.#record(call, req, res, path);
      });
      next();
      return;
    }
    await this.#retry();
    this.#begin(name.object);
    const path = req.path;
    holdAnswer(res, () => this.#record(call, req, res, path).finally(() => this.#end(call)));
    this.#current.run(call, () => next());
  };

  /** To be told before a task is made, and with its uid once it is there. */
  readonly noteTask = (object: string, uid?: string): void => {
    const call = this.#current.getStore();
    if (call === undefined || call.isOver) return;
    if (!call.tasks.has(object)) this.#begin(object);
    call.tasks.set(object, uid ?? call.tasks.get(object));
  };

  /** How many records could not be kept yet. */
  get backlog(): number {
    return this.#backlog.length;
  }

  /** Whether a call is under way that changes the object, and will be on record. */
  isOpen(object: string): boolean {
    return this.#open.has(object);
  }

  /** Puts on record how many calls were left out, if any were and no later call has said so. */
  async settle(): Promise<void> {
    const omitted = this.#refusals.takeOmitted();
    if (omitted > 0)
      await this.#keep([{ action: 'omitRecords', user: 'tiangong:api', source: 'api', object: 'audit', omitted }]);
    await this.#retry().catch(() => undefined);
  }

  async #record(call: Call, req: Request, res: Response, path: string): Promise<void> {
    const status = res.destroyed ? CLIENT_GONE : res.statusCode;
    const { errorCode } = res.locals as { errorCode?: string };
    const { remoteAddress = '' } = req.socket;
    const user = status === 401 ? undefined : this.#identityOf(req);
    const made = [...call.tasks].filter(([, uid]) => uid !== undefined);
    if (status >= 400 && status < 500 && made.length === 0 && !this.#refusals.admits(`${user ?? ''} ${remoteAddress}`))
      return;
    const omitted = this.#refusals.takeOmitted();
    const forwarded = req.get('X-Forwarded-For');
    const record: NewAuditRecord = {
      action: call.name.action,
      user: user ?? 'system:anonymous',
      source: remoteAddress,
      object: call.name.object,
      ...{ method: req.method, path, status, request_id: call.requestId },
      ...(forwarded !== undefined && { forwarded_for: forwarded }),
      ...(errorCode !== undefined && status >= 400 && { code: errorCode }),
      ...(omitted > 0 && { omitted }),
    };
    const records = made.map(([object, uid]) => ({ ...record, object, ...(uid !== undefined && { uid }) }));
    await this.#keep(records.length === 0 ? [record] : records);
  }

  async #keep(records: readonly NewAuditRecord[]): Promise<void> {
    const results = await Promise.allSettled(records.map((record) => this.#audit.append(record)));
    for (const [index, result] of results.entries()) {
      const record = records[index];
      if (result.status === 'fulfilled' || record === undefined) continue;
      this.#logger.error({ err: result.reason as unknown, record }, 'an audit record could not be kept');
      if (this.#backlog.length < MAX_BACKLOG) this.#backlog.push(record);
    }
  }

  /** Keeps what could not be kept before; rejects while that is still so. */
  async #retry(): Promise<void> {
    if (this.#backlog.length === 0) return;
    this.#retrying ??= this.#keepBacklog().finally(() => (this.#retrying = undefined));
    await this.#retrying;
  }

  async #keepBacklog(): Promise<void> {
    try {
      for (let record = this.#backlog[0]; record !== undefined; record = this.#backlog[0]) {
        await this.#audit.append(record);
        this.#backlog.shift();
      }
    } catch (err) {
      throw new ApiError('AuditUnavailable', undefined, { cause: err });
    }
  }

  #begin(object: string): void {
    this.#open.set(object, (this.#open.get(object) ?? 0) + 1);
  }

  #end(call: Call): void {
    call.isOver = true;
    for (const object of [call.name.object, ...call.tasks.keys()]) {
      const count = (this.#open.get(object) ?? 0) - 1;
      if (count > 0) this.#open.set(object, count);
      else this.#open.delete(object);
    }
  }
}
