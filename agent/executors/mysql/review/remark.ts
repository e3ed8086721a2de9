import { cutText } from '../../../output/utf8.ts';

/** 0: to be known. 1: to be looked at before it runs. 2: the server would refuse it as it stands. As in goInception. */
export type RemarkLevel = 0 | 1 | 2;

/** What a review may say of a statement; docs/tasks/mysql.md says when. */
export type RemarkCode =
  | 'AccessDenied'
  | 'AccountChange'
  | 'AlterDropsColumn'
  | 'AlwaysTrueWhere'
  | 'BinlogOff'
  | 'CascadingForeignKey'
  | 'ConditionalCode'
  | 'DropDatabase'
  | 'DropPartition'
  | 'DropProgram'
  | 'DropTable'
  | 'DropView'
  | 'ForeignKeysOff'
  | 'FullScan'
  | 'HiddenChanges'
  | 'ImplicitCommit'
  | 'LargeChange'
  | 'LargeTable'
  | 'LimitWithoutOrder'
  | 'LoadData'
  | 'LocksTables'
  | 'LossyTypeChange'
  | 'NoPrimaryKey'
  | 'NoWhere'
  | 'NotChecked'
  | 'NotEstimated'
  | 'NotInnoDB'
  | 'PartlyRead'
  | 'RenameTable'
  | 'SelectIntoOutfile'
  | 'ServerAdministration'
  | 'SetGlobal'
  | 'SyntaxError'
  | 'TableExists'
  | 'TableFromScript'
  | 'Trigger'
  | 'Truncate'
  | 'UnknownColumn'
  | 'UnknownObject'
  | 'UnknownTable'
  | 'WillFail'
  | 'XaTransaction';

export interface Remark {
  readonly code: RemarkCode;
  readonly level: RemarkLevel;
  /** What it is about and what to do. It may hold words of the task's text and of the server. */
  readonly text: string;
}

export const remark = (code: RemarkCode, level: RemarkLevel, text: string): Remark => ({ code, level, text });

const MAX_TEXT_BYTES = 1024;

/** As results and logs show it: in one line, without secrets. */
export const shownRemark = (said: Remark, mask: (text: string) => string): Remark => ({
  ...said,
  text: cutText(mask(said.text).replaceAll(/[\r\n]+/g, ' '), MAX_TEXT_BYTES),
});

/** 0 if there is none. */
export const worstLevel = (remarks: readonly Remark[]): RemarkLevel =>
  remarks.reduce<RemarkLevel>((worst, { level }) => (level > worst ? level : worst), 0);
