import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../agent/config.ts';
import { readMarkdown } from './markdown.ts';

const page = readMarkdown('docs/bare-hosts.md');
const folder = mkdtempSync(join(tmpdir(), 'tiangong-bare-hosts-'));
const root = join(import.meta.dirname, '../..');

/** What stands in the only fenced block of a language that has the text in it. */
function block(language: string, text: string): string {
  const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, name]) => name === language);
  const found = blocks.map(([, , content = '']) => content).filter((content) => content.includes(text));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
}

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('docs/bare-hosts.md', () => {
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has a configuration that the agent understands', () => {
    const file = join(folder, 'agent.yaml');
    writeFileSync(file, block('yaml', 'home_namespace'));
    const config = loadConfig({ config: file }, {});
    expect(config).toMatchObject({ name: 'edge-1', namespace: 'tiangong', drainSeconds: 60 });
    expect(config.privatePaths).toContain(config.kubeconfig);
  });

  it.skipIf(!hasSystemd)('has a unit that systemd finds nothing wrong with', () => {
    const file = join(folder, 'tiangong-agent.service');
    // The program is not installed here; the user is not known, which is no fault of the unit.
    const unit = block('ini', 'ExecStart').replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`);
    writeFileSync(file, unit);
    const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
    const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('tiangong-agent'));
    expect(complaints).toEqual([]);
  });

  it('gives running tasks their time before systemd kills them', () => {
    const [, stop = '0'] = /^TimeoutStopSec=(\d+)$/m.exec(block('ini', 'ExecStart')) ?? [];
    const [, drain = 'none'] = /^drain_seconds: (\d+)$/m.exec(block('yaml', 'home_namespace')) ?? [];
    // Killing and reporting come after the drain.
    expect(Number(stop)).toBeGreaterThanOrEqual(Number(drain) + 20);
  });

  it('names no flag that the commands do not have', () => {
    const help = ['join', 'leave'].map((command) =>
      execFileSync(process.execPath, ['standalone/main.ts', 'agent', command, '--help'], {
        cwd: root,
        encoding: 'utf8',
      }),
    );
    const named = new Set([...page.matchAll(/(?<![-\w])--[a-z][-a-z]+/g)].map(([flag]) => flag));
    const others = new Set(['--system', '--home-dir', '--shell', '--config', '--now', '--namespace', '--omit']);
    for (const flag of named) if (!others.has(flag)) expect(help.join(''), flag).toContain(`${flag} `);
  });
});
