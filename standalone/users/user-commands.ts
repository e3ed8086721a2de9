import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { isPersonRole, UserFile } from './user-file.ts';

const home = (): Option =>
  new Option('--home <folder>', 'where everything is kept').env('TIANGONG_HOME').default('.tiangong');

const fileIn = (folder: string): UserFile => new UserFile(join(resolve(folder), 'users.json'));

/** `tiangong user`: who may use the APIs of `tiangong up` with a token. A server that runs knows of changes within seconds. */
export function userCommands(): Command {
  const command = new Command('user').description('Manages who may use the APIs of `tiangong up` with a token.');
  command
    .command('add')
    .argument('<name>', 'of the user')
    .description('Adds a user and prints the token, which is shown this once.')
    .addOption(
      new Option('--role <role>', 'what the user may do').choices(['view', 'edit', 'admin']).makeOptionMandatory(),
    )
    .addOption(home())
    .action(async (name: string, flags: { role: string; home: string }) => {
      if (!isPersonRole(flags.role)) throw new Error('commander checks choices');
      process.stdout.write(`${await fileIn(flags.home).add(name, flags.role)}\n`);
    });
  command
    .command('list')
    .description('Lists the users.')
    .addOption(home())
    .action((flags: { home: string }) => {
      const rows = fileIn(flags.home)
        .read()
        .map(({ name, role, created }) => [name, role, created]);
      for (const [name = '', role = '', created = ''] of [['NAME', 'ROLE', 'CREATED'], ...rows])
        process.stdout.write(`${name.padEnd(24)} ${role.padEnd(6)} ${created}\n`);
    });
  command
    .command('remove')
    .argument('<name>', 'of the user')
    .description('Removes a user; the token works no more.')
    .addOption(home())
    .action((name: string, flags: { home: string }) => fileIn(flags.home).remove(name));
  return command;
}
