/** Appends to the audit trail until it is killed, and tells its parent of every record that is kept. For a test. */
import { SqliteAudit } from './sqlite-audit.ts';

const audit = new SqliteAudit(process.argv[2] ?? '', { maxRecords: 300, maxAgeMs: 3_600_000 });

async function fill(user: string): Promise<never> {
  for (let n = 0; ; n += 1) {
    const { seq, hash } = await audit.append({ action: 'write', user, source: 'test', object: `${user}/${n}` });
    process.send?.({ seq, hash });
  }
}

await Promise.all(['a', 'b', 'c', 'd'].map(fill));
