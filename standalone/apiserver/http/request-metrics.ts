/** Counts requests under the real server's metric names, so that one benchmark reads both. */
export class RequestMetrics {
  readonly #counts = new Map<string, number>();

  count({ verb, resource, subresource }: { verb: string; resource: string; subresource: string }, code: number): void {
    const key = `${verb}\0${resource}\0${subresource}\0${code}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** In the text format of Prometheus. */
  expose(): string {
    const lines = [
      '# HELP apiserver_request_total Counter of apiserver requests broken out for each verb, resource and code.',
      '# TYPE apiserver_request_total counter',
    ];
    for (const [key, count] of this.#counts) {
      const [verb = '', resource = '', subresource = '', code = ''] = key.split('\0');
      const labels = { code, resource, subresource, verb: verb.toUpperCase() };
      const text = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
      lines.push(`apiserver_request_total{${text.join(',')}} ${count}`);
    }
    return `${lines.join('\n')}\n`;
  }
}

function escaped(value: string): string {
  return value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
}
