import { resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { Command, InvalidArgumentError, Option } from 'commander';
import { KubeClient } from '../../kube/client.ts';
import { HttpTransport } from '../../kube/http-transport.ts';
import { parseNamespaces } from '../../kube/watched-namespaces.ts';
import { StartError } from '../start-error.ts';
import { agentJoin } from './agent-join.ts';
import { agentLeave } from './agent-leave.ts';
import { lifetime } from './duration.ts';

interface CommonFlags {
  kubeconfig?: string;
  homeNamespace: string;
  release: string;
}

interface JoinFlags extends CommonFlags {
  namespaces?: readonly string[];
  expires: number;
  server?: string;
  apiUrl?: string;
  output: string;
}

interface LeaveFlags extends CommonFlags {
  force: boolean;
}

const print = (text: string): boolean => process.stdout.write(text);

/** `tiangong agent …`: agents on hosts outside of the cluster. */
export function agentCommand(): Command {
  const command = new Command('agent').description('Manages agents on hosts outside of the cluster.');
  withCommon(command.command('join'))
    .description('Gives an agent its rights and writes the kubeconfig for its host; again, renews both.')
    .addOption(
      new Option(
        '--namespaces <list>',
        'whose tasks it takes beside the home namespace; * for all (default: as before)',
      ).argParser(namespaceList),
    )
    .addOption(new Option('--expires <time>', 'how long its token lives').argParser(lifetime).default(2_592_000, '30d'))
    .option('--server <url>', 'the Kubernetes API as the host sees it (default: as the kubeconfig says)')
    .option('--api-url <url>', "Tiangong's API as the host sees it, for the steps that are printed")
    .option('--output <folder>', 'where the files for the host are written', '.')
    .action(async (name: string, flags: JoinFlags) => {
      const { namespaces, expires, server, apiUrl, output } = flags;
      const folder = resolve(output);
      await connected(flags, (client, admin) =>
        agentJoin(client, admin, {
          agent: agentOf(name, flags),
          ...{ namespaces, expiresSeconds: expires, server, apiUrl, folder, print },
        }),
      );
    });
  withCommon(command.command('leave'))
    .description('Takes an agent its rights, and removes it.')
    .option('--force', 'also while it runs', false)
    .action(async (name: string, flags: LeaveFlags) => {
      await connected(flags, (client) =>
        agentLeave(client, { agent: agentOf(name, flags), force: flags.force, print }),
      );
    });
  return command;
}

function withCommon(command: Command): Command {
  return command
    .argument('<name>', 'of the agent: up to 57 of a-z, 0-9 and -')
    .option('--kubeconfig <path>', "an admin's (default: KUBECONFIG or ~/.kube/config)")
    .addOption(
      new Option('--home-namespace <name>', 'the one that Tiangong is installed in')
        .env('TIANGONG_HOME_NAMESPACE')
        .default('tiangong'),
    )
    .option('--release <name>', "what names of the release's objects begin with", 'tiangong');
}

function agentOf(name: string, { homeNamespace, release }: CommonFlags): Parameters<typeof agentLeave>[1]['agent'] {
  // With `agent-` before it, it must be a label's value.
  if (!/^[a-z0-9]([-a-z0-9]{0,55}[a-z0-9])?$/.test(name))
    throw new StartError(`${name} cannot be an agent's name: up to 57 of a-z, 0-9 and -`);
  return { name, home: homeNamespace, fullname: release };
}

async function connected(
  { kubeconfig }: CommonFlags,
  work: (client: KubeClient, admin: KubeConfig) => Promise<void>,
): Promise<void> {
  const admin = new KubeConfig();
  try {
    if (kubeconfig === undefined) admin.loadFromDefault();
    else admin.loadFromFile(kubeconfig);
  } catch (err) {
    throw new StartError(`the kubeconfig cannot be read: ${(err as Error).message}`, { cause: err });
  }
  const transport = new HttpTransport(admin, { userAgent: 'tiangong-join' });
  try {
    await work(new KubeClient(transport), admin);
  } catch (err) {
    if (err instanceof StartError) throw err;
    throw new StartError(`the Kubernetes API did not do it: ${(err as Error).message}`, { cause: err });
  } finally {
    await transport.close();
  }
}

function namespaceList(text: string): readonly string[] {
  try {
    return parseNamespaces(text);
  } catch (err) {
    throw new InvalidArgumentError((err as Error).message);
  }
}
