#!/usr/bin/env node
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { pino } from 'pino';
import { defaultSettings, MAX_FILE_BYTES } from '../api/settings.ts';
import { upTo } from '../api/whole-number.ts';
import { logDestination } from '../kube/log-destination.ts';
import { StartError } from './start-error.ts';
import { up } from './up.ts';

interface UpFlags {
  home: string;
  host: string;
  port: number;
  kubePort: number;
  maxFileBytes: number;
  logLevel: string;
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
  .addOption(new Option('--log-level <level>', 'of what goes to standard error').env('LOG_LEVEL').default('warn'))
  .action(async (flags: UpFlags) => {
    const logger = pino({ level: flags.logLevel, base: null }, logDestination({ fd: 2, sync: true }));
    const [stop, hurry] = [new AbortController(), new AbortController()];
    // The first signal ends things in good order, the second ends running tasks too, the third is for the impatient.
    const pressed = (): void =>
      hurry.signal.aborted ? process.exit(130) : (stop.signal.aborted ? hurry : stop).abort();
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, pressed);
    const print = (text: string): boolean => process.stdout.write(text);
    await up({ ...flags, home: resolve(flags.home), logger, print }, { stop: stop.signal, hurry: hurry.signal });
  });

try {
  await program.parseAsync();
} catch (err) {
  if (!(err instanceof StartError)) throw err;
  process.stderr.write(`tiangong: ${err.message}\n`);
  process.exit(1);
}
