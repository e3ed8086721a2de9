import type { OutputSink } from '../executor.ts';

const PIECE_BYTES = 64 * 1024;

export interface Report {
  /** `Bulk operation completed`. */
  readonly title: string;
  readonly operation: string;
  readonly success: boolean;
  /** The manual's second line. */
  readonly line: readonly [label: string, value: string | number];
  /** JSON, as the server sent it. */
  readonly response: AsyncIterable<Buffer> | string;
}

/** Writes a result as the manual has it, or with `result_format: json` as one JSON document. */
export async function writeReport(output: OutputSink, format: 'text' | 'json', report: Report): Promise<void> {
  const [label, value] = report.line;
  if (format === 'text') {
    await output.write(Buffer.from(`${report.title}\n${label}: ${String(value)}\nResponse: `));
    await copy(output, report.response);
    return;
  }
  const { operation, success } = report;
  const head = JSON.stringify({ operation, success, [label.toLowerCase().replaceAll(' ', '_')]: value });
  await output.write(Buffer.from(`${head.slice(0, -1)},"response":`));
  await copy(output, report.response);
  await output.write(Buffer.from('}'));
}

async function copy(output: OutputSink, response: Report['response']): Promise<void> {
  if (typeof response !== 'string') {
    for await (const piece of response) await output.write(piece);
    return;
  }
  const bytes = Buffer.from(response);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) await output.write(bytes.subarray(at, at + PIECE_BYTES));
}
