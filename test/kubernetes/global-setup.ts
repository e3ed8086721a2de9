import type { TestProject } from 'vitest/node';
import { binariesFolder } from './binaries.ts';
import { startCluster } from './cluster.ts';
import type { ClusterAddress } from './cluster.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    cluster: ClusterAddress | null;
  }
}

/** Starts one real kube-apiserver for a whole vitest run, with our CRDs, and stops it afterwards. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (binariesFolder() === undefined) {
    process.stderr.write(
      '\n*** NO REAL KUBE-APISERVER: every test against one is SKIPPED. Install Go and run test/kubernetes/build.sh, or set KUBEBUILDER_ASSETS. ***\n\n',
    );
    project.provide('cluster', null);
    return undefined;
  }
  const cluster = await startCluster();
  const { url, folder, tokens } = cluster;
  project.provide('cluster', { url, folder, tokens });
  return () => cluster.stop();
}
