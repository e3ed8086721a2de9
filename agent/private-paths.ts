import { homedir } from 'node:os';
import { join } from 'node:path';
import type { PluginSettings } from './plugin-config.ts';

/**
 * The files whose text gives a login: no task may name them by a path, for what a statement is refused with quotes it.
 * `more`: files and folders that whoever starts the agent adds.
 */
export function privatePaths(settings: {
  readonly kubeconfigs: readonly (string | undefined)[];
  readonly connections: PluginSettings['connections'];
  readonly goInception?: PluginSettings['goInception'];
  readonly environment: NodeJS.ProcessEnv;
  readonly more: readonly string[];
}): string[] {
  const { kubeconfigs, connections, goInception, environment, more } = settings;
  const logins = [...connections.values()].flatMap((byName) =>
    [...byName.values()].flatMap(({ passwordFile, apiKeyFile, backupPasswordFile }) => [
      passwordFile,
      apiKeyFile,
      backupPasswordFile,
    ]),
  );
  const goInceptions = goInception?.backup?.passwordFile;
  const defaults = [...(environment['KUBECONFIG']?.split(':') ?? []), join(homedir(), '.kube')];
  return [...kubeconfigs, ...logins, goInceptions, ...defaults, ...more].filter(
    (path) => path !== undefined && path !== '',
  ) as string[];
}
