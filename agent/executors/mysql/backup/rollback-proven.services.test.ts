import { service } from '../../../../test/services/service.ts';
import { describeRollback } from './testing/describe-rollback.ts';

describeRollback('MySQL', 'mysql', () => service('mysql'));
describeRollback('MariaDB', 'mariadb', () => service('mariadb'));
