import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { TaskAborted } from '../executors/executor.ts';
import { FileUnavailable } from '../files/file-unavailable.ts';
import type { TaskFile } from '../files/task-file.ts';
import type {
  Credential,
  ExecutionContext,
  Executor,
  Outcome,
  Resumption,
  RollbackSummary,
} from '../executors/executor.ts';

/** What an execution gave. */
export interface Execution {
  readonly outcome: Outcome;
  readonly result: Buffer;
  readonly log: readonly { readonly level: string; readonly message: string }[];
  /** What it told the journal, in order. */
  readonly evidence: readonly string[];
  /** The SQL that undoes the work, and what was said of it. */
  readonly rollback: Buffer;
  readonly rollbackSummary: RollbackSummary | undefined;
}

export interface Work {
  readonly command?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
  readonly credentials?: Readonly<Record<string, Credential>>;
  /** Called with every piece of the result; a promise holds the executor back, as a slow disk does. */
  readonly onResult?: (bytes: Buffer) => Promise<void> | undefined;
  /** Called with the process that does the work. */
  readonly onProcess?: (pid: number) => void;
  /** Called with each text for the journal, before it is kept. */
  readonly onEvidence?: (text: string) => void;
  readonly uid?: string;
  /** The task's file, where it has one, or why it cannot be had. */
  readonly file?: TaskFile | FileUnavailable;
  readonly epoch?: number;
  /** An earlier process had begun the run. */
  readonly resumed?: boolean;
  readonly resumption?: Resumption;
}

/** Runs an executor as the agent does, and keeps what it gives. */
export async function execute(executor: Executor, work: Work): Promise<Execution> {
  const result: Buffer[] = [];
  const log: { level: string; message: string }[] = [];
  const evidence: string[] = [];
  const rollback: Buffer[] = [];
  let rollbackSummary: RollbackSummary | undefined;
  const context: ExecutionContext = {
    name: 'task-under-test',
    uid: work.uid ?? randomUUID(),
    epoch: work.epoch ?? 1,
    resumed: work.resumed ?? false,
    resumption: work.resumption,
    command: work.command ?? '',
    params: work.params ?? {},
    signal: work.signal ?? new AbortController().signal,
    output: {
      write: (bytes) => {
        result.push(bytes);
        return work.onResult?.(bytes);
      },
      log: (level, ...messages) => {
        log.push(...messages.map((message) => ({ level, message })));
        return undefined;
      },
    },
    rollback: {
      write: (bytes) => {
        rollback.push(bytes);
        return undefined;
      },
      end: (summary) => {
        rollbackSummary = summary;
      },
    },
    credential: (name) => {
      const found = work.credentials?.[name];
      return found === undefined ? Promise.reject(new Error('not found')) : Promise.resolve(found);
    },
    fileId: work.file instanceof FileUnavailable ? 'file-1' : work.file?.id,
    file: async () => {
      if (work.file === undefined || work.file instanceof FileUnavailable) throw work.file ?? new Error('not found');
      return work.file;
    },
    processStarted: (pid) => work.onProcess?.(pid),
    evidence: (text) => {
      work.onEvidence?.(text);
      evidence.push(text);
    },
  };
  const outcome = await executor.execute(context);
  return { outcome, result: Buffer.concat(result), log, evidence, rollback: Buffer.concat(rollback), rollbackSummary };
}

/** An executor with work of the kinds that every executor knows. */
export interface ExecutorUnderTest {
  readonly executor: Executor;
  readonly succeeding: Work;
  readonly failing: Work;
  /** Work that goes on until it is stopped; `begun` resolves when it has begun. */
  readonly endless: Work & { readonly begun: () => Promise<void> };
  /** Work whose result has this many bytes of `x` in a row. */
  readonly big: (bytes: number) => Work;
  /** Parameters that cannot be. */
  readonly invalid: readonly Work[];
  /** For what works on a server by way of a login. */
  readonly remote?: {
    /** Work on an address where nothing listens. */
    readonly unreachable: Work;
    readonly wrongPassword: Work;
    /** What must not be seen in anything but the server: the passwords of all the works. */
    readonly secrets: readonly string[];
    /** What the server says of the endless work: how many statements of it run there. */
    readonly running: () => Promise<number>;
    /** `params` with this `exec_options.timeout_ms`. */
    readonly endlessFor: (timeoutMs: number) => Work;
  };
}

/** What the agent relies on, whatever the type. Of what works on a server by way of a login, `make` must give `remote`. */
export function describeExecutor(
  name: string,
  make: () => Promise<ExecutorUnderTest>,
  kind: 'local' | 'remote' = 'local',
): void {
  describe(`${name} as an executor`, () => {
    it('succeeds with a message', async () => {
      const { executor, succeeding, remote } = await make();
      expect(kind, 'describeExecutor(…, "remote") runs the tests on its server').toBe(remote ? 'remote' : 'local');
      const { outcome } = await execute(executor, succeeding);
      expect(outcome).toMatchObject({ state: 'Succeeded', message: expect.stringMatching(/\S/) as string });
    });

    it('fails with a reason in one CamelCase word and a message', async () => {
      const { executor, failing } = await make();
      const { outcome } = await execute(executor, failing);
      expect(outcome).toMatchObject({
        state: 'Failed',
        reason: expect.stringMatching(/^[A-Z][A-Za-z]+$/) as string,
        message: expect.stringMatching(/\S/) as string,
      });
    });

    it('refuses parameters that cannot be, before it does anything', async () => {
      const { executor, invalid } = await make();
      for (const work of invalid) {
        const { outcome, result } = await execute(executor, work);
        expect(outcome, JSON.stringify(work)).toMatchObject({ state: 'Failed', reason: 'InvalidParams' });
        expect(result).toHaveLength(0);
      }
    });

    it.each(['User', 'Timeout'] as const)('resolves when it is aborted for the reason %s', async (kind) => {
      const { executor, endless } = await make();
      const controller = new AbortController();
      const execution = execute(executor, { ...endless, signal: controller.signal });
      await endless.begun();
      controller.abort(new TaskAborted(kind, 'enough'));
      expect(await execution).toBeDefined();
    });

    it('does nothing when it was aborted before', async () => {
      const { executor, succeeding } = await make();
      const signal = AbortSignal.abort(new TaskAborted('User', 'enough'));
      const { outcome, result } = await execute(executor, { ...succeeding, signal });
      expect([outcome.state, result.length]).toEqual(['Failed', 0]);
    });

    it('gives a big result whole and no faster than it is taken', async () => {
      const { executor, big } = await make();
      let taking = 0;
      let most = 0;
      const onResult = async (): Promise<void> => {
        taking += 1;
        most = Math.max(most, taking);
        await new Promise((resolve) => setImmediate(resolve));
        taking -= 1;
      };
      const { result, outcome } = await execute(executor, { ...big(5_000_000), onResult });
      expect(outcome.state).toBe('Succeeded');
      expect(result.includes(Buffer.alloc(5_000_000, 'x'))).toBe(true);
      expect(most).toBeLessThanOrEqual(2);
    });
  });
  if (kind === 'remote') describeOnServer(name, make);
}

function describeOnServer(name: string, make: () => Promise<ExecutorUnderTest>): void {
  describe(`${name} on its server`, () => {
    const remote = async (): Promise<Remote> => {
      const { executor, remote: found, endless } = await make();
      if (found === undefined) throw new Error('make must give what is needed to test it on its server');
      return { executor, endless, ...found };
    };

    it('fails at once when nothing listens there', async () => {
      const found = await remote();
      const { outcome } = await execute(found.executor, found.unreachable);
      expect(outcome).toMatchObject({
        state: 'Failed',
        reason: 'ConnectionFailed',
        message: expect.stringMatching(/^connection failed: /) as string,
      });
    });

    it('says that the login was refused, and shows no password anywhere', async () => {
      const found = await remote();
      const execution = await execute(found.executor, found.wrongPassword);
      expect(execution.outcome).toMatchObject({ state: 'Failed', reason: 'AuthenticationFailed' });
      const shown = JSON.stringify([execution, execution.result.toString()]);
      for (const secret of found.secrets) expect(shown).not.toContain(secret);
    });

    it('ends at its own deadline, on the server as well', async () => {
      const found = await remote();
      const { outcome } = await execute(found.executor, found.endlessFor(700));
      expect(outcome).toMatchObject({
        state: 'Failed',
        reason: 'TimeoutExceeded',
        message: expect.stringContaining('execution timeout after 700 ms') as string,
      });
      await expect.poll(found.running).toBe(0);
    });

    it('ends on the server when it is canceled', async () => {
      const found = await remote();
      const controller = new AbortController();
      const execution = execute(found.executor, { ...found.endless, signal: controller.signal });
      await found.endless.begun();
      controller.abort(new TaskAborted('User', 'canceled by user'));
      await execution;
      await expect.poll(found.running).toBe(0);
    });

    it('tells the journal how far it has come', async () => {
      const found = await remote();
      const controller = new AbortController();
      const execution = execute(found.executor, { ...found.endless, signal: controller.signal });
      await found.endless.begun();
      controller.abort(new TaskAborted('Shutdown', 'the agent was stopped'));
      expect((await execution).evidence.join('\n')).toMatch(/\S/);
    });
  });
}

type Remote = NonNullable<ExecutorUnderTest['remote']> & Pick<ExecutorUnderTest, 'executor' | 'endless'>;
