#!/usr/bin/env node
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { pino } from 'pino';
import { isLoopback } from '../api/loopback.ts';
import { defaultSettings, MAX_FILE_BYTES } from '../api/settings.ts';
import { upTo } from '../api/whole-number.ts';
import { logDestination } from '../kube/log-destination.ts';
import { importFustor } from './import/import-fustor.ts';
import { agentCommand } from './join/agent-command.ts';
import { StartError } from './start-error.ts';
import { up } from './up.ts';
import { userCommands } from './users/user-commands.ts';

interface UpFlags {
  home: string;
  host: string;
  port: number;
  kubePort: number;
  maxFileBytes: number;
  auth?: 'kubernetes' | 'none';
  insecure: boolean;
  logLevel: string;
}

interface ImportFlags {
  url: string;
  dryRun: boolean;
  start: boolean;
}

/** Whether REST asks who calls. Throws `StartError` where everybody could run commands here. */
function authOf({ auth, host, insecure }: UpFlags): 'kubernetes' | 'none' {
  const how = auth ?? (isLoopback(host) ? 'none' : 'kubernetes');
  if (how === 'kubernetes' || insecure || isLoopback(host)) return how;
  throw new StartError(
    `with --auth none everybody who reaches ${host} could run commands on this machine; use --auth kubernetes, or --insecure if something in front asks who they are`,
  );
}

const program = new Command('tiangong').description('Runs tasks on agents, from REST and kubectl alike.');

program
  .command('up')
  .description('Runs everything on this machine: REST API, embedded Kubernetes API, operator and an agent.')
  .addOption(new Option('--home <folder>', 'where everything is kept').env('TIANGONG_HOME').default('.tiangong'))
  .addOption(new Option('--host <address>', 'the address to listen on').env('TIANGONG_HOST').default('127.0.0.1'))
  .addOption(new Option('--port <port>', 'of the REST API').env('PORT').argParser(upTo(65_535)).default(8080))
  .addOption(
    new Option('--kube-port <port>', 'of the Kubernetes API').env('KUBE_PORT').argParser(upTo(65_535)).default(8443),
  )
  .addOption(
    new Option('--max-file-bytes <bytes>', 'how large an uploaded file may be')
      .env('TIANGONG_MAX_FILE_BYTES')
      .argParser(upTo(MAX_FILE_BYTES))
      .default(defaultSettings.maxFileBytes),
  )
  .addOption(
    new Option(
      '--auth <how>',
      'who may use REST: kubernetes lets users with a token, none everybody (default: none on loopback, else kubernetes)',
    )
      .env('TIANGONG_AUTH')
      .choices(['kubernetes', 'none']),
  )
  .addOption(new Option('--insecure', 'allow --auth none on other addresses than loopback').default(false))
  .addOption(new Option('--log-level <level>', 'of what goes to standard error').env('LOG_LEVEL').default('warn'))
  .action(async (flags: UpFlags) => {
    const logger = pino({ level: flags.logLevel, base: null }, logDestination({ fd: 2, sync: true }));
    const [stop, hurry] = [new AbortController(), new AbortController()];
    // The first signal ends things in good order, the second ends running tasks too, the third is for the impatient.
    const pressed = (): void =>
      hurry.signal.aborted ? process.exit(130) : (stop.signal.aborted ? hurry : stop).abort();
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, pressed);
    const print = (text: string): boolean => process.stdout.write(text);
    await up(
      { ...flags, auth: authOf(flags), home: resolve(flags.home), logger, print },
      { stop: stop.signal, hurry: hurry.signal },
    );
  });

program
  .command('import')
  .description('Takes over what another product has configured.')
  .command('fustor')
  .argument('[folder]', 'where Fustor Agent keeps its configuration', join(homedir(), '.fustor'))
  .description('Takes over sources, pushers and syncs of Fustor Agent, and the fields that it has discovered.')
  .addOption(new Option('--url <address>', 'of the REST API').env('TIANGONG_API_URL').default('http://127.0.0.1:8080'))
  .option('--dry-run', 'only tell what would be taken over', false)
  .option('--start', 'start the syncs that are enabled; stop Fustor Agent before', false)
  .action(async (folder: string, flags: ImportFlags) => {
    const print = (text: string): boolean => process.stdout.write(text);
    if (!(await importFustor({ ...flags, folder: resolve(folder), print }))) process.exitCode = 1;
  });

program.addCommand(userCommands());

program.addCommand(agentCommand());

try {
  await program.parseAsync();
} catch (err) {
  if (!(err instanceof StartError)) throw err;
  process.stderr.write(`tiangong: ${err.message}\n`);
  process.exit(1);
}
