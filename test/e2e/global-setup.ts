import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { binary } from '../kubernetes/binaries.ts';
import type { ClusterFacts } from './e2e-cluster.ts';
import { Transcript, renderTranscript } from './transcript.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    e2e: ClusterFacts;
  }
}

const NODES = 3;
const ROOT = join(import.meta.dirname, '../..');
const IMAGES = join(ROOT, 'dist/images');
const DOCUMENT = join(ROOT, 'docs/e2e-transcript.md');

/**
 * Brings up a cluster of three nodes with the images of dist/images, and takes it down when all is over. With
 * `TIANGONG_E2E_KEEP` it stays, to be looked at; a cluster that is there is used. When the whole suite ran and passed, its
 * transcript goes to docs/e2e-transcript.md.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const archives = existsSync(IMAGES) ? readdirSync(IMAGES).filter((name) => name.endsWith('.tar')) : [];
  if (archives.length === 0) throw new Error('dist/images has no images: run `npm run images` first, or `make e2e`');
  const script = hasKind() ? 'kind.sh' : 'own.sh';
  const run = (...args: string[]): string =>
    execFileSync('bash', [join(import.meta.dirname, 'cluster', script), ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const folder = mkdtempSync(join(tmpdir(), 'tiangong-e2e-'));
  const transcriptFile = join(folder, 'transcript.jsonl');
  writeFileSync(transcriptFile, '');
  const transcript = new Transcript(transcriptFile);

  transcript.section('The cluster');
  let started = performance.now();
  try {
    run('up', String(NODES));
  } catch (err) {
    if (process.env['TIANGONG_E2E_KEEP'] === undefined) run('down', 'keep');
    throw err;
  }
  transcript.note(`${NODES} nodes are Ready ${seconds(started)} after \`${script} up ${NODES}\`.`);
  const state = process.env['TIANGONG_E2E_STATE'] ?? '/var/tmp/tiangong-e2e';
  const kubeconfig = join(state, 'pki/admin.kubeconfig');
  const version = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
  started = performance.now();
  run('load', ...archives.map((name) => join(IMAGES, name)));
  const tags = [version, `${version}-next`] as const;
  for (const name of archives) {
    const image = `localhost/${name.replace(/\.tar$/, '')}`;
    run('tag', `${image}:${tags[0]}`, `${image}:${tags[1]}`);
  }
  transcript.note(`${archives.length} images are on every node ${seconds(started)} later: ${archives.join(', ')}.`);
  const kubectl = (...args: string[]): string =>
    execFileSync(binary('kubectl'), ['--kubeconfig', kubeconfig, ...args], { encoding: 'utf8' });
  transcript.command(['kubectl', 'get', 'nodes'], kubectl('get', 'nodes'));

  const auditLog = join(state, 'node1/audit.log');
  project.provide('e2e', {
    ...{ kubeconfig, script, volumes: join(state, 'volumes'), tags, transcriptFile },
    nodes: Array.from({ length: NODES }, (_, index) => run('name', String(index + 1)).trim()),
    hostAddress: run('address').trim(),
    ...(script === 'own.sh' && { auditLog }),
  });
  let complete = true;
  project.vitest.onTestsRerun(() => {
    complete = false;
  });
  return () => {
    const modules = project.vitest.state.getTestModules();
    complete &&= modules.length > 1 && modules.every((module) => module.ok());
    if (complete && process.env['TIANGONG_E2E_TRANSCRIPT'] !== undefined) {
      const hidden = new Map([
        [state, '$STATE'],
        [ROOT, '.'],
      ]);
      mkdirSync(join(ROOT, 'docs'), { recursive: true });
      const tests = modules.flatMap((module) => [...module.children.allTests()]);
      transcript.section('The tests');
      transcript.list(tests.map((test) => `${test.fullName}: ${test.result().state}`));
      writeFileSync(DOCUMENT, renderTranscript(transcriptFile, head(script, kubectl('version')), hidden));
    }
    if (process.env['TIANGONG_E2E_KEEP'] === undefined) run('down');
    rmSync(folder, { recursive: true, force: true });
    return Promise.resolve();
  };
}

function hasKind(): boolean {
  try {
    execFileSync('docker', ['info'], { stdio: 'ignore' });
    execFileSync('kind', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const seconds = (started: number): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;

function head(script: string, versions: string): string {
  const way = script === 'own.sh' ? 'without Docker (`test/e2e/cluster/own.sh`)' : 'by kind';
  return `# The last run of \`make e2e\`

Written by the run itself on ${new Date().toISOString().slice(0, 10)}; every command and output is as it was, with paths of the machine replaced. The cluster was made ${way} on ${cpus().length} cores
(${arch()}, Linux ${release().split('-')[0]}), ${Math.round(totalmem() / 2 ** 30)} GiB. Times are since the beginning.

\`\`\`text
${versions.trim()}
\`\`\``;
}
