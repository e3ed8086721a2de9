import { CREDENTIAL_SCHEMAS } from '../../wizard.ts';
import type { Wizard } from '../../wizard.ts';

/** The original's parameters (facts §1.9), in the form that other wizards have. */
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
            title: '服务地址',
            description: '对象存储的地址，例如 https://s3.example.com',
            format: 'uri',
          },
          credential: {
            title: '访问凭证',
            description: '用户名为 Access Key ID，密码（或 API Key）为 Secret Access Key',
            oneOf: [
              { $ref: '#/components/schemas/PasswdCredential' },
              { $ref: '#/components/schemas/ApiKeyCredential' },
            ],
          },
          driver_params: {
            type: 'object',
            title: '驱动参数',
            properties: {
              endpoint_url: { type: 'string', title: '服务端点', description: '为空则使用服务地址', format: 'uri' },
              bucket_name: { type: 'string', title: '存储桶名称' },
              region_name: { type: 'string', title: '区域', default: 'us-east-1' },
              prefix: { type: 'string', title: '对象前缀', description: '只同步以此开头的对象', default: '' },
              recursive: { type: 'boolean', title: '包含下级目录', default: true },
              queue_type: { type: 'string', title: '变更发现方式', enum: ['polling'], default: 'polling' },
              polling_queue_config: {
                type: 'object',
                title: '轮询设置',
                properties: {
                  interval_seconds: {
                    type: 'number',
                    title: '轮询间隔（秒）',
                    default: 30,
                    exclusiveMinimum: 0,
                    maximum: 86_400,
                  },
                },
              },
            },
            required: ['bucket_name'],
          },
        },
        required: ['uri', 'credential', 'driver_params'],
      },
      validations: ['test_connection', 'check_privileges', 'discover_fields_no_cache'],
    },
  ],
  components: { schemas: CREDENTIAL_SCHEMAS },
};
