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
  readonly environment: NodeJS.ProcessEnv;
  readonly more: readonly string[];
}): string[] {
  const { kubeconfigs, connections, environment, more } = settings;
  const logins = [...connections.values()].flatMap((byName) =>
    [...byName.values()].flatMap(({ passwordFile, apiKeyFile }) => [passwordFile, apiKeyFile]),
  );
  const defaults = [...(environment['KUBECONFIG']?.split(':') ?? []), join(homedir(), '.kube')];
  return [...kubeconfigs, ...logins, ...defaults, ...more].filter(
    (path) => path !== undefined && path !== '',
  ) as string[];
}
