import { CREDENTIAL_SCHEMAS } from '../../wizard.ts';
import type { Wizard } from '../../wizard.ts';

/** Facts §1.9. */
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
            description: 'Elasticsearch 的地址，例如 https://host:9200',
            format: 'uri',
            pattern: '^https?://[^\\s/@]+/?$',
          },
          credential: {
            title: '访问凭证',
            description: '读取索引所用的用户名密码或 API Key',
            oneOf: [
              { $ref: '#/components/schemas/ApiKeyCredential' },
              { $ref: '#/components/schemas/PasswdCredential' },
            ],
          },
        },
        required: ['uri'],
      },
      validations: ['test_connection'],
    },
    {
      step_id: 'index_config',
      title: '索引设置',
      schema: {
        type: 'object',
        properties: {
          driver_params: {
            type: 'object',
            title: '驱动参数',
            properties: {
              index_name: { type: 'string', title: '索引名称', description: '索引、别名、数据流，或带通配符的名称' },
              timestamp_field: {
                type: 'string',
                title: '时间戳字段',
                description: '每次写入都会更新的日期字段；没有更新该字段的修改以及删除不会被发现',
              },
              polling_interval_sec: {
                type: 'number',
                title: '轮询间隔（秒）',
                default: 5,
                exclusiveMinimum: 0,
                maximum: 86_400,
              },
              overlap_sec: {
                type: 'number',
                title: '重叠窗口（秒）',
                description: '文档从其时间戳到可被检索的最长延迟；每次轮询会重新检查这段时间',
                default: 60,
                exclusiveMinimum: 0,
                maximum: 86_400,
              },
              ca: { type: 'string', title: 'CA 证书（PEM）' },
              verify_ssl: { type: 'boolean', title: '校验服务器证书', default: true },
            },
            required: ['index_name', 'timestamp_field'],
          },
        },
        required: ['driver_params'],
      },
      validations: ['check_privileges', 'discover_fields_no_cache'],
    },
  ],
  components: { schemas: CREDENTIAL_SCHEMAS },
};
