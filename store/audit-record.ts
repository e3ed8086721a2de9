import { createHash } from 'node:crypto';
import type { AuditMark, AuditRecord, NewAuditRecord } from './audit.ts';

/** Where every chain begins. */
export const GENESIS: AuditMark = { seq: 0, hash: '0'.repeat(64) };

const MAX_TEXT = 1024;
/** Also line ends of Unicode, and marks that turn text around: a record shown somewhere shall look like what it is. */
const CONTROLS = /[\0-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The record that follows `previous`, and the text that its hash is made of. */
export function chain(record: NewAuditRecord, previous: AuditMark, time: Date): { text: string; mark: AuditMark } {
  const seq = previous.seq + 1;
  const text = canonical({ ...record, seq, time: time.toISOString(), previous: previous.hash });
  return { text, mark: { seq, hash: hashOf(text) } };
}

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The record that a text and its hash stand for. Throws when the text is none. */
export const parseRecord = (text: string, hash: string): AuditRecord => ({
  ...(JSON.parse(text) as Omit<AuditRecord, 'hash'>),
  hash,
});

/** What is wrong with the record of number `seq` after `previous`; undefined: nothing. */
export function faultOf(text: string, hash: string, seq: number, previous: AuditMark): string | undefined {
  if (seq !== previous.seq + 1) return `record ${previous.seq + 1} is missing`;
  if (hashOf(text) !== hash) return 'the record is not what its hash was made of';
  const record = parseRecord(text, hash);
  if (record.seq !== seq) return 'the record has the number of another';
  if (record.previous !== previous.hash) return 'the record does not follow the one before it';
  return undefined;
}

/** So that `jq -cS` writes the same bytes: sorted keys, and of texts nothing that programs escape in different ways. */
function canonical(record: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(record)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]): [string, unknown] => [key, typeof value === 'string' ? cleanText(value) : value])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(entries));
}

const cleanText = (text: string): string => text.slice(0, MAX_TEXT).toWellFormed().replace(CONTROLS, '\ufffd');
