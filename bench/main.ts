import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { KubeClient } from '../kube/client.ts';
import { hasHelm } from '../test/chart/helm-binaries.ts';
import { binariesFolder } from '../test/kubernetes/binaries.ts';
import { startCluster } from '../test/kubernetes/cluster.ts';
import { FourWrites } from './four-writes.ts';
import { serverPids, startOnCluster } from './on-cluster.ts';
import { startOnRelease } from './on-release.ts';
import { measureMysql, whyNoMysql } from './mysql.ts';
import { measurePostgres, whyNoPostgres } from './postgres.ts';
import { report, withSection } from './report.ts';
import type { Section } from './report.ts';
import { startStandalone } from './standalone.ts';
import { measureFsSync } from './sync/fs-sync.ts';
import { measureMysqlSync } from './sync/mysql-sync.ts';
import type { Subject } from './subject.ts';
import { TaskEndings } from './task-endings.ts';
import {
  measureAsyncPosts,
  measureIdleLatency,
  measureList,
  measureMemory,
  measureSync,
  measureThroughput,
} from './workloads.ts';
import type { Measure } from './workloads.ts';

interface Options {
  readonly only?: 'standalone' | 'cluster' | 'postgres' | 'mysql' | 'mariadb' | 'sync-mysql' | 'sync-fs';
  readonly scale: number;
  readonly write: boolean;
  readonly profile?: string;
}

type DatabaseBench = [
  title: string,
  whyMissing: () => Promise<string | undefined>,
  run: (subject: Subject, scale: number) => Promise<Measure[]>,
];

const options = new Command('bench')
  .description('Measures Tiangong on this machine and writes docs/benchmarks.md.')
  .option('--only <subject>', 'standalone, cluster, postgres, mysql, mariadb, sync-mysql or sync-fs')
  .option('--scale <factor>', 'how much, 1 for 2,000 tasks at most in a measurement and a file of 1 GiB', Number, 1)
  .option('--no-write', 'print only')
  .option('--profile <folder>', 'where CPU profiles of what is measured are left')
  .parse()
  .opts<Options>();

const times = (count: number): number => Math.max(1, Math.round(count * options.scale));

async function measure(subject: Subject): Promise<Measure[]> {
  const endings = new TaskEndings(new KubeClient(subject.transport), subject.namespace);
  const measures: Measure[] = [];
  try {
    await endings.synced;
    // The first tasks meet cold caches and code that was not compiled yet.
    await measureThroughput(subject, endings, times(300), 16);
    measures.push(
      ...(await measureIdleLatency(subject, endings, times(200))),
      ...(await measureThroughput(subject, endings, times(2000), 16)),
      ...(await measureThroughput(subject, endings, times(2000), 64)),
      ...(await measureAsyncPosts(subject, endings, times(2000), 16)),
    );
  } finally {
    await endings.close();
  }
  measures.push(...(await measureSync(subject, times(200), 1)), ...(await measureSync(subject, times(800), 8)));
  return [...measures, ...(await measureList(subject, times(100))), ...measureMemory(subject)];
}

const load = loadavg()[0] ?? 0;
const sections: Section[] = [];
function add(title: string, measures: readonly Measure[]): void {
  sections.push({ title, measures });
  console.log(`\n${title}`);
  for (const { what, value } of measures) console.log(`  ${what}: ${value}`);
}

async function measureAndStop(title: string, subject: Subject): Promise<void> {
  try {
    add(title, await measure(subject));
  } finally {
    await subject.stop();
  }
}

const nodeArgs = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`];
if (options.only === undefined || options.only === 'standalone') {
  await measureAndStop('Standalone: `tiangong up`', await startStandalone(nodeArgs));
}
if ((options.only === undefined || options.only === 'cluster') && binariesFolder() === undefined) {
  console.log(
    '\n*** NO REAL KUBE-APISERVER: not measured. Run test/kubernetes/build.sh or set KUBEBUILDER_ASSETS. ***',
  );
} else if (options.only === undefined || options.only === 'cluster') {
  const cluster = await startCluster();
  try {
    const bare = new FourWrites(cluster.url, cluster.tokens['admin'] ?? '');
    add(
      'kube-apiserver 1.36.3 and etcd: the bare four-write flow',
      await bare.measure(serverPids(cluster), times(200), times(2000), 16),
    );
    await measureAndStop(
      'kube-apiserver 1.36.3 and etcd: operator, API and agent',
      await startOnCluster(cluster, nodeArgs),
    );
    if (hasHelm())
      await measureAndStop(
        'kube-apiserver 1.36.3 and etcd: operator, API and agent, with rights, policies and callers of the chart',
        await startOnRelease(cluster, nodeArgs),
      );
    else console.log('\n*** NO HELM: not measured with the chart. Run test/chart/install-helm.sh. ***');
  } finally {
    await cluster.stop();
  }
}
/** What is measured on `tiangong up`, so that it needs no kube-apiserver. */
const databases: Readonly<Record<string, DatabaseBench>> = {
  postgres: ['Big data: `tiangong up` and PostgreSQL 17', whyNoPostgres, measurePostgres],
  mysql: [
    'SQL files: `tiangong up` and MySQL 9.7',
    () => whyNoMysql('mysql'),
    (on, scale) => measureMysql(on, 'mysql', scale),
  ],
  mariadb: [
    'SQL files: `tiangong up` and MariaDB 11.8',
    () => whyNoMysql('mariadb'),
    (on, scale) => measureMysql(on, 'mariadb', scale),
  ],
  'sync-mysql': ['Syncs: MySQL 9.7 to HTTP, one agent of `tiangong up`', () => whyNoMysql('mysql'), measureMysqlSync],
  'sync-fs': ['Syncs: a folder to HTTP, one agent of `tiangong up`', () => Promise.resolve(undefined), measureFsSync],
};

for (const [name, [title, whyMissing, run]] of Object.entries(databases)) {
  if (options.only !== undefined && options.only !== name) continue;
  const missing = await whyMissing();
  if (missing !== undefined) {
    console.log(`\n*** NO REAL ${name}: not measured. ${missing}. ***`);
    continue;
  }
  const subject = await startStandalone(nodeArgs);
  try {
    add(title, await run(subject, options.scale));
  } finally {
    await subject.stop();
  }
}

const page = join(import.meta.dirname, '../docs/benchmarks.md');
if (options.write && options.only === undefined) writeFileSync(page, report(sections, new Date(), load));
if (options.write && options.only !== undefined)
  for (const section of sections)
    writeFileSync(page, withSection(readFileSync(page, 'utf8'), section, new Date(), load));
