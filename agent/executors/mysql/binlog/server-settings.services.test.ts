import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../test/kubernetes/free-port.ts';
import { hasServices, ownService } from '../../../../test/services/service.ts';
import type { OwnService, ServiceName } from '../../../../test/services/service.ts';
import type { CellValue } from './cell-value.ts';
import { currentPosition } from './current-position.ts';
import type { LoggedChange } from './row-change.ts';
import { LoggedDatabase } from './testing/logged-database.ts';

interface Setting {
  readonly title: string;
  readonly name: ServiceName & ('mysql' | 'mariadb');
  readonly options: readonly string[];
}

const SETTINGS: readonly Setting[] = [
  {
    title: 'MySQL without GTIDs, checksums and full metadata',
    name: 'mysql',
    options: [
      '--gtid-mode=OFF',
      '--enforce-gtid-consistency=OFF',
      '--binlog-checksum=NONE',
      '--binlog-row-metadata=MINIMAL',
    ],
  },
  {
    title: 'MariaDB with compression, without metadata and checksums',
    name: 'mariadb',
    options: [
      '--log-bin-compress=1',
      '--log-bin-compress-min-len=10',
      '--binlog-row-metadata=NO_LOG',
      '--binlog-checksum=NONE',
    ],
  },
  {
    title: 'MariaDB with the temporal types of before 10.1',
    name: 'mariadb',
    options: ['--mysql56-temporal-format=0', '--binlog-row-metadata=MINIMAL'],
  },
];

const TEMPORAL = [0, 1, 3, 6].flatMap((digits) => [
  `time(${digits})`,
  `datetime(${digits})`,
  `timestamp(${digits}) NULL`,
]);
const COLUMNS = [
  ...['tinyint unsigned', 'tinyint', 'bigint unsigned', 'decimal(20,6)', 'float', 'year', 'date', 'bit(9)'],
  ...["enum('a','b,c','it''s') CHARACTER SET latin1", "set('x','y''z')"],
  ...[
    'char(10) CHARACTER SET gbk',
    'varchar(300) CHARACTER SET latin1',
    'binary(4)',
    'blob',
    'text',
    'json',
    'geometry',
  ],
  ...TEMPORAL,
];
const VALUES = [
  ...['200', '-5', '18446744073709551615', '-1234567890.000001', '0.1', '2024', "'2024-02-29'", "b'100000001'"],
  ...[
    "'it''s'",
    "'x,y''z'",
    "'中文'",
    "'é'",
    '0x01020000',
    '0x00ff',
    "REPEAT('z', 300)",
    '\'{"a": [1, 2.5]}\'',
    'POINT(1, 2)',
  ],
  ...TEMPORAL.map((type) => (type.startsWith('time(') ? "'-101:02:03.456789'" : "'2024-02-29 23:59:58.987654'")),
];
const SHOWN = COLUMNS.map((type, index) =>
  /^(bit|char|varchar|binary|blob|text|geometry)/.test(type) ? `HEX(c${index})` : `CAST(c${index} AS CHAR)`,
);

describe.each(SETTINGS)('the log of $title', ({ name, options }) => {
  describe.skipIf(!hasServices(name))('real', () => {
    let server: OwnService;
    let db: LoggedDatabase;
    beforeAll(async () => {
      server = await ownService(name, await freePort(), options);
      db = await LoggedDatabase.create(server);
      await db.session.query("SET sql_mode = '', time_zone = '+00:00'");
      await db.session.query(`CREATE TABLE t (${COLUMNS.map((type, index) => `c${index} ${type}`).join(', ')})`);
    });
    afterAll(async () => {
      await db.drop();
      await server.remove();
    });

    it('gives all values as the server shows them', async () => {
      const from = await currentPosition(db.session);
      // In another file than where the search begins.
      for (let files = 0; files < 3; files += 1) await db.session.query('FLUSH BINARY LOGS');
      const { wanted } = await db.commit(
        'START TRANSACTION',
        `INSERT INTO t VALUES (${VALUES.join(', ')})`,
        'UPDATE t SET c0 = 1',
        'COMMIT',
      );
      const until = await currentPosition(db.session);
      const reader = await db.open(from);
      const changes: LoggedChange[] = [];
      await db.read(reader, { ...wanted, from, until }, (change) => void changes.push(change));
      reader.close();
      expect(changes.map(({ kind, statementEnd }) => [kind, statementEnd])).toEqual([
        ['insert', true],
        ['update', true],
      ]);
      const [row] = await db.session.rows(
        `SELECT ${SHOWN.map((shown, index) => `${shown} AS c${index}`).join(', ')} FROM t`,
      );
      expect(changes[1]?.after?.map(shownValue)).toEqual(
        Object.values(row ?? {}).map((text) => (text === '0.1' ? '0.10000000149011612' : text)),
      );
      expect(changes[0]?.after?.slice(1)).toEqual(changes[1]?.after?.slice(1));
    });
  });
});

function shownValue(value: CellValue): string | null {
  if (value === null) return null;
  switch (value.kind) {
    case 'text':
      return value.charset === 'utf8mb4' && value.bytes[0] === 0x7b
        ? value.bytes.toString()
        : value.bytes.toString('hex').toUpperCase();
    case 'bytes':
    case 'geometry':
      return value.bytes.toString('hex').toUpperCase();
    case 'bit':
      return BigInt(`0x${value.bytes.toString('hex')}`)
        .toString(16)
        .toUpperCase();
    case 'enum':
      return value.member;
    case 'set':
      return value.members.join(',');
    case 'float':
      return String(Number(value.text));
    case 'undecoded':
      return value.why;
    default:
      return value.text;
  }
}
