import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';

/** What GitOps tools say of an object. */
export interface Health {
  /** Flux, by kstatus: `Current`, `InProgress`, `Failed`, `Terminating`. */
  readonly kstatus: string;
  readonly kstatusMessage: string;
  /** Argo CD, by docs/gitops/argocd-cm.yaml: `Healthy`, `Progressing`, `Degraded`, `Suspended`. */
  readonly argo: string;
  readonly argoMessage: string;
}

const program = join(homedir(), '.cache/tiangong/gitops/health');
const configMap = join(import.meta.dirname, '../../docs/gitops/argocd-cm.yaml');

/** Whether test/gitops/build.sh could build the tools' own code. */
export const canTellHealth = (): boolean => existsSync(program);

/** Asks the tools' own code. `folder` is where it may write. */
export function healthOf(object: { readonly kind?: string }, folder: string): Health {
  const { data } = load(readFileSync(configMap, 'utf8')) as { data: Readonly<Record<string, string>> };
  const script = join(folder, `${object.kind}.lua`);
  writeFileSync(script, data[`resource.customizations.health.tiangong.io_${object.kind}`] ?? '');
  const { status, stdout, stderr } = spawnSync(program, [script], {
    input: `${JSON.stringify(object)}\n`,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Health;
}
