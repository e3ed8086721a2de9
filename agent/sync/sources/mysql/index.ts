import { createHmac, randomBytes } from 'node:crypto';
import type { SourceConfig, SourceDriver } from '../../source.ts';
import { mysqlActions } from './actions.ts';
import { parseSettings } from './settings.ts';
import { MysqlSource } from './source.ts';
import { mysqlWizard } from './wizard.ts';

/** Of this process alone, so that nobody can try passwords on a signature. */
const SIGNATURE_KEY = randomBytes(32);

/** MySQL, and MariaDB. */
export const mysqlDriver: SourceDriver = {
  name: 'mysql',
  wizard: mysqlWizard,
  actions: mysqlActions,
  signature: ({ uri, credential, driverParams }: SourceConfig): string => {
    const known = JSON.stringify([uri, credential?.data, driverParams]);
    return `mysql ${uri} ${createHmac('sha256', SIGNATURE_KEY).update(known).digest('hex')}`;
  },
  open: (config, tools) => new MysqlSource(parseSettings(config), tools),
};
