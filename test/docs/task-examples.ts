import { load } from 'js-yaml';
import { withoutChance } from './transcript.ts';

/** A request that a page shows, with all that the page says it gives. */
export interface Example {
  readonly request: TaskRequest;
  /** As the page has it, for `kubectl`; undefined: a request by REST. */
  readonly manifest: string | undefined;
  /** Each is the result, the error or the log of the request; none: it succeeds. */
  readonly outputs: readonly string[];
}

export interface TaskRequest {
  type: string;
  command?: string;
  file_id?: string;
  params?: { target?: Record<string, unknown>; [name: string]: unknown };
  [field: string]: unknown;
}

interface Manifest {
  readonly kind?: string;
  readonly spec: TaskRequest & { fileId?: string };
}

/**
 * The requests of a page: JSON with an `agent_id`, and manifests of tasks. The blocks of text that follow belong to the
 * request before them, and a manifest's also to the JSON before it that has none of its own.
 */
export function examplesOf(markdown: string): Example[] {
  const examples: (Omit<Example, 'outputs'> & { outputs: string[] })[] = [];
  for (const [, language, body = ''] of markdown.matchAll(/^```(\w*)\n([^]*?)^```$/gm)) {
    if (language === 'json' && body.includes('"agent_id"'))
      examples.push({ request: JSON.parse(body) as TaskRequest, manifest: undefined, outputs: [] });
    else if (language === 'yaml' && body.includes('kind: DeployTask'))
      examples.push({ request: (load(body) as Manifest).spec, manifest: body, outputs: [] });
    else if (language === 'text') examples.at(-1)?.outputs.push(body);
  }
  for (const [index, { manifest, outputs }] of examples.entries())
    if (manifest === undefined && outputs.length === 0) outputs.push(...(examples[index + 1]?.outputs ?? []));
  return examples;
}

/** What differs from run to run, made equal. */
export function comparable(output: string): string {
  return (
    withoutChance(output)
      .replaceAll(/\d+\.\d{3} s\b/g, 'DURATION')
      .replaceAll(/backend pid \d+/g, 'backend pid PID')
      .replaceAll(/, connection \d+/g, ', connection ID')
      .replaceAll(/"execute_time":"\d+\.\d{3}"/g, '"execute_time":"SECONDS"')
      .replaceAll(/"took":\d+/g, '"took":MS')
      .replaceAll(/"\$oid":"[0-9a-f]{24}"/g, '"$oid":"ID"')
      .replaceAll(/"uid": "[0-9a-f-]{36}"/g, '"uid": "UID"')
      .replaceAll(/"resourceVersion": "\d+"/g, '"resourceVersion": "VERSION"')
      // Progress is told as often as time allows.
      .replaceAll(/^(.*\n)\1+/gm, '$1')
  );
}
