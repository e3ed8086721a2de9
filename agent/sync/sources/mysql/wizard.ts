import { CREDENTIAL_SCHEMAS } from '../../wizard.ts';
import type { Wizard } from '../../wizard.ts';

/** How a console asks for a MySQL source (facts §1.9). */
export const mysqlWizard: Wizard = {
  steps: [
    {
      step_id: 'connection',
      title: '连接与发现',
      schema: {
        type: 'object',
        properties: {
          uri: {
            type: 'string',
            title: '数据库地址 (host:port)',
            description: '例如: localhost:3306',
            pattern: '^[^\\s/@]+(:[0-9]{1,5})?$',
          },
          admin_creds: {
            $ref: '#/components/schemas/PasswdCredential',
            title: '管理员凭证 (仅用于本次向导，不会被保存)',
          },
        },
        required: ['uri', 'admin_creds'],
      },
      validations: ['test_connection', 'check_params', 'discover_fields_no_cache'],
    },
    {
      step_id: 'agent_setup',
      title: '代理用户设置',
      schema: {
        type: 'object',
        properties: {
          credential: { $ref: '#/components/schemas/PasswdCredential', title: '代理用户凭证' },
        },
        required: ['credential'],
      },
      validations: ['create_agent_user', 'check_privileges'],
    },
  ],
  components: { schemas: { PasswdCredential: CREDENTIAL_SCHEMAS.PasswdCredential } },
};
