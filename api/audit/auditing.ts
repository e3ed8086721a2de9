import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { Audit } from '../../store/audit.ts';
import type { ChangeWaiter } from '../change-waiter.ts';
import type { OpenApiDocument } from '../openapi.ts';
import type { TaskNote } from '../tasks/task-creator.ts';
import { formatTaskId } from '../tasks/task-id.ts';
import { CallRecorder } from './call-recorder.ts';
import { TaskObserver } from './task-observer.ts';

export interface AuditingParts {
  readonly audit: Audit;
  readonly contract: OpenApiDocument;
  readonly changes: Pick<ChangeWaiter<DeployTask>, 'onAnyChange'>;
  readonly homeNamespace: string;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly identityOf: (req: Request) => string | undefined;
}

const SETTLE_MS = 60_000;

/** Keeps the audit trail: of calls, and of what the API sees on the Kubernetes API. */
export class Auditing {
  readonly handler: RequestHandler;
  readonly noteTask: TaskNote;
  readonly #parts: AuditingParts;
  readonly #recorder: CallRecorder;
  readonly #observer: TaskObserver;

  constructor(parts: AuditingParts) {
    const { homeNamespace, registry, audit } = parts;
    const recorder = new CallRecorder(parts);
    this.#parts = parts;
    this.#recorder = recorder;
    this.#observer = new TaskObserver({ ...parts, isOpen: (object) => recorder.isOpen(object) });
    this.handler = recorder.handler;
    this.noteTask = (task, uid) => recorder.noteTask(`tasks/${formatTaskId(task, homeNamespace)}`, uid);
    measureAudit(registry, audit, () => recorder.backlog);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#observer.run(signal), this.#settle(signal)]);
  }

  async #settle(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#parts.audit
        .retain()
        .catch((err: unknown) => this.#parts.logger.error({ err }, 'old audit records could not be removed'));
      await sleep(SETTLE_MS, undefined, { signal, ref: false }).catch(() => undefined);
      await this.#recorder.settle();
    }
  }
}

/** What a monitoring system keeps of the trail is a witness that nobody with the store's disk can change. */
function measureAudit(registry: Registry, audit: Audit, backlog: () => number): void {
  new Gauge({
    name: 'tiangong_audit_head',
    help: 'The newest audit record: its number (part="seq"), and the first 13 hexadecimal digits of its hash as a number (part="hash").',
    labelNames: ['part'],
    registers: [registry],
    collect() {
      // At once, so that the two belong together. No label holds the hash: each would be a series of its own.
      const { seq, hash } = audit.head;
      this.set({ part: 'seq' }, seq);
      this.set({ part: 'hash' }, Number.parseInt(hash.slice(0, 13), 16));
    },
  });
  new Gauge({
    name: 'tiangong_audit_backlog',
    help: 'Audit records that could not be kept yet; above 0 nothing can be changed by REST.',
    registers: [registry],
    collect() {
      this.set(backlog());
    },
  });
}
