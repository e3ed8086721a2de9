import { maskSecrets } from '../../database/mask-secrets.ts';
import { failed } from '../../executor.ts';
import type { Outcome } from '../../executor.ts';
import { TransactionLedger } from '../../sql/transaction-ledger.ts';
import { ResultWriter } from '../../sql/result-writer.ts';
import { splitStatements } from '../../sql/split-statements.ts';
import { BinlogAccess } from '../backup/binlog-access.ts';
import { Patience } from '../backup/patience.ts';
import type { DirectRunOptions } from '../direct-run.ts';
import { describeFailure } from '../failure.ts';
import { StatementFailed } from '../script/statement-error.ts';
import { ReviewReport } from './review-report.ts';
import { ReviewSession } from './review-session.ts';
import { StatementReview } from './statement-review.ts';

/** A server is asked about so many statements; of further ones only the text is reviewed. */
const MAX_ASKED = 10_000;
const QUESTION_SECONDS = 5;

/**
 * Reviews a script (`params.review: only`): its statements come with what is to be known before they run, and none of
 * them is executed. Memory is bounded by the longest statement, whatever the script's size.
 */
export async function reviewScript(options: DirectRunOptions): Promise<Outcome> {
  const { context, target, params, source, session, signal, spoolFolder, graceMs } = options;
  const { output } = context;
  const mask = (text: string): string => maskSecrets(text, target.secrets);
  const writer = new ResultWriter(output, params.resultFormat, { separator: '\n\n', spoolFolder });
  const report = new ReviewReport({ writer, output, mask });
  await output.log('info', `Reviewing ${source.file ?? 'the command'} for ${target.label}: nothing is executed`);
  let outcome: Outcome;
  try {
    const review = new StatementReview({
      server: await ReviewSession.open(session, { signal, graceMs, questionSeconds: QUESTION_SECONDS }),
      maxAsked: MAX_ASKED,
      executes: false,
      noBackup: () => noBackup(options),
    });
    for await (const statement of splitStatements(source.pieces, 'mysql', session)) {
      signal.throwIfAborted();
      const verdict = await review.review(statement).catch((err: unknown) => {
        throw new StatementFailed(statement, err);
      });
      await report.add(statement, verdict);
    }
    const limit = review.isLimited ? `, the server was asked about the first ${MAX_ASKED}` : '';
    outcome =
      report.reviewed === 0
        ? failed('InvalidParams', `there is no SQL statement in ${source.file ?? 'the command'}`)
        : { state: 'Succeeded', message: `${report.summary()}${limit}` };
  } catch (err) {
    const failure = describeFailure(err, { fates: new TransactionLedger(), mask, notRolledBack: undefined });
    if (failure === undefined) throw err;
    await report.failure(failure.entry, failure.lines);
    outcome = failed(failure.reason, `SQL review failed: ${failure.lines.join('\n')}`);
  }
  await report.end({ success: outcome.state === 'Succeeded' });
  return outcome;
}

/** Why what the script changes could not be backed up; undefined: it could. */
async function noBackup({ params, session, target, signal }: DirectRunOptions): Promise<string | undefined> {
  if (session.flavour === 'doris') return 'Doris keeps no binary log';
  if (params.backup === 'off') return 'no backup is wanted';
  const patience = new Patience(signal);
  const access = await BinlogAccess.open(session, target, patience);
  patience.end();
  if (typeof access === 'string') return access;
  await access.close();
  return undefined;
}
