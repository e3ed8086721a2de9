import { CREDENTIAL_SCHEMAS } from '../../wizard.ts';
import type { Wizard } from '../../wizard.ts';

const CREDENTIAL = { $ref: '#/components/schemas/PasswdCredential' };

/** As that of mysql: where it is and an administrator, then the login of the agent. */
export const wizard: Wizard = {
  steps: [
    {
      step_id: 'connection',
      title: '连接信息',
      schema: {
        type: 'object',
        properties: {
          uri: {
            type: 'string',
            title: '数据库地址',
            description: '格式为 host:port/database',
            pattern: '^[^\\s@]+(:[0-9]{1,5})?/[^\\s/]+$',
          },
          admin_creds: { ...CREDENTIAL, title: '管理员凭证', description: '仅用于检查参数与创建代理用户，不会被保存' },
          driver_params: {
            type: 'object',
            title: '驱动参数',
            properties: {
              tables: {
                type: 'array',
                items: { type: 'string', pattern: '^[^.]+\\.[^.]+$' },
                title: '数据表',
                description: '要同步的表，格式为 schema.table，* 表示任意字符；为空则同步所有有主键的表',
              },
              publication: {
                type: 'string',
                title: '发布名称',
                description: '使用已存在的发布；为空则由代理创建 tiangong 发布',
              },
              tls: {
                type: 'object',
                title: 'TLS',
                properties: {
                  mode: {
                    type: 'string',
                    title: '模式',
                    enum: ['allow', 'prefer', 'require', 'verify-ca', 'verify-full'],
                    default: 'verify-full',
                  },
                  ca: { type: 'string', title: 'CA 证书（PEM）' },
                },
              },
            },
          },
        },
        required: ['uri', 'admin_creds'],
      },
      validations: ['test_connection', 'check_params', 'discover_fields_no_cache'],
    },
    {
      step_id: 'agent_setup',
      title: '代理用户',
      schema: {
        type: 'object',
        properties: {
          credential: { ...CREDENTIAL, title: '代理用户凭证', description: '代理读取变更与快照所用的用户' },
        },
        required: ['credential'],
      },
      validations: ['create_agent_user', 'check_privileges'],
    },
  ],
  components: { schemas: { PasswdCredential: CREDENTIAL_SCHEMAS.PasswdCredential } },
};
