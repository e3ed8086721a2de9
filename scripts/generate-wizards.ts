/** Writes api/drivers/wizards.json from the drivers of agent/sync/, which the api may not import. Run by `make generate`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { pusherDrivers } from '../agent/sync/pushers/registry.ts';
import { sourceDrivers } from '../agent/sync/sources/registry.ts';

const wizards = {
  sources: Object.fromEntries([...sourceDrivers].map(([name, { wizard }]) => [name, wizard])),
  pushers: Object.fromEntries([...pusherDrivers].map(([name, { wizard }]) => [name, wizard])),
};
const text = await format(JSON.stringify(wizards), { parser: 'json', printWidth: 120 });
writeFileSync(join(import.meta.dirname, '../api/drivers/wizards.json'), text);
