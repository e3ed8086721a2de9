import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { TestDatabase } from './testing/test-database.ts';

const SERVERS = (['mysql', 'mariadb'] as const).filter((name) => hasServices(name));

/** As mysqldump writes it. */
const DUMP = `-- MySQL dump 10.13  Distrib 8.4.0, for Linux (x86_64)
--
-- Host: localhost    Database: shop
-- ------------------------------------------------------
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;

DROP TABLE IF EXISTS \`orders\`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE \`orders\` (
  \`id\` int NOT NULL AUTO_INCREMENT,
  \`note\` varchar(100) COLLATE utf8mb4_bin DEFAULT NULL COMMENT 'a; "b"',
  PRIMARY KEY (\`id\`)
) ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES \`orders\` WRITE;
/*!40000 ALTER TABLE \`orders\` DISABLE KEYS */;
INSERT INTO \`orders\` VALUES (0,'zero; -- no comment'),(1,'it\\'s \\\\'),
(2,'é 😀 # /* */'),(3,NULL);
/*!40000 ALTER TABLE \`orders\` ENABLE KEYS */;
UNLOCK TABLES;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50003 TRIGGER upper BEFORE INSERT ON orders FOR EACH ROW BEGIN
  SET NEW.note = UPPER(NEW.note); -- ;
END */;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
-- Dump completed on 2026-11-22
`;

describe.each(SERVERS)('a dump on %s', (server) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service(server));
  });
  afterAll(() => database?.drop());

  it.each([
    ['without backup', { backup: false }],
    ['with backup', { backup: true }],
    ['with several connections', { backup: false, concurrency: 4 }],
  ])('is restored %s', async (_, options) => {
    const { outcome } = await database.run(`${DUMP}INSERT INTO orders (note) VALUES ('last');`, {
      exec_options: options,
    });
    expect([outcome.state, outcome.message]).toEqual(['Succeeded', expect.stringContaining('statements executed')]);
    expect(await database.values('SELECT note FROM orders ORDER BY id')).toEqual([
      ...['zero; -- no comment', "it's \\", 'é 😀 # /* */', null],
      'LAST',
    ]);
  });
});
