/** A place in the log between two transactions, as `SHOW BINARY LOG STATUS` names it. */
export interface BinlogPosition {
  /** `binlog.000042` */
  readonly file: string;
  /** Bytes from the file's begin. */
  readonly position: number;
}

/** Files are numbered upwards, with at least six digits. */
const FILE_NUMBER = /\.(\d+)$/;

/** Below zero when `a` stands before `b` in the log, above when after, zero when they are the same place. */
export function comparePositions(a: BinlogPosition, b: BinlogPosition): number {
  return fileNumber(a.file) - fileNumber(b.file) || a.position - b.position;
}

/** `binlog.000042:1234` */
export const showPosition = ({ file, position }: BinlogPosition): string => `${file}:${position}`;

function fileNumber(file: string): number {
  return Number(FILE_NUMBER.exec(file)?.[1] ?? 0);
}
