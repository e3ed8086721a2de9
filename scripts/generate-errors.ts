/** Writes the table in docs/errors.md from the catalogue of the api. Run by `make generate`. */
import { join } from 'node:path';
import { ERROR_CATALOGUE } from '../api/errors.ts';
import { tableHead, tableRow, writeSections } from './generated-section.ts';

const rows = Object.entries(ERROR_CATALOGUE).map(([code, { status, text }]) =>
  tableRow(`\`${code}\``, String(status), text),
);
writeSections(join(import.meta.dirname, '../docs/errors.md'), {
  catalogue: [...tableHead('Code', 'Status', 'Text'), ...rows],
});
