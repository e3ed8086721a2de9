import { TaskFailure } from '../../task-failure.ts';

/** Why a text is not executed any further because of its ledger. */
export type LedgerStopReason =
  /** Nobody can know whether a statement was executed, or whether the ledger is about this text. */
  | 'OutcomeUnknown'
  /** What was done is known, and the rest is not to be executed any more. */
  | 'NotResumed'
  /** What was done is known, but the rest needs what was lost with the connection. */
  | 'ResumptionNotPossible';

/** The ledger says that a text is not to be executed any further. */
export class LedgerStop extends TaskFailure {
  override readonly name = 'LedgerStop';
  /** Whether nobody can know what was done. */
  readonly unknown: boolean;

  constructor(reason: LedgerStopReason, message: string) {
    super(reason, message);
    this.unknown = reason === 'OutcomeUnknown';
  }
}

/** `ledger is not possible: <why>`; `advice` says what helps. */
export const ledgerNotPossible = (why: string, advice: string): TaskFailure =>
  new TaskFailure('LedgerNotPossible', `ledger is not possible: ${why}\n${advice}`);
