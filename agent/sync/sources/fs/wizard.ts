import { CREDENTIAL_SCHEMAS } from '../../wizard.ts';
import type { Wizard } from '../../wizard.ts';

/** Facts §1.9, with a discovery at the end: without discovered fields a source cannot be enabled. */
export const wizard: Wizard = {
  steps: [
    {
      step_id: 'path_setup',
      title: '目录设置',
      schema: {
        type: 'object',
        properties: {
          uri: { type: 'string', title: '监控目录', description: '要监控的目录的绝对路径。', pattern: '^/' },
          driver_params: {
            type: 'object',
            title: '驱动参数',
            properties: {
              max_sync_delay_seconds: {
                type: 'number',
                title: '最大同步延迟（秒）',
                description: '新建后一直没有关闭的文件，在停止写入这么久之后也会被上报。',
                default: 1,
                exclusiveMinimum: 0,
                maximum: 86_400,
              },
              min_monitoring_window_days: {
                type: 'number',
                title: '最小监控窗口（天）',
                description: '为兼容而保留：所有目录都会被监控。',
                default: 30,
              },
              file_pattern: {
                type: 'string',
                title: '文件名模式',
                description: '只同步文件名匹配的文件，例如 *.csv；目录总会被同步。',
                default: '*',
              },
              startup_mode: {
                type: 'string',
                title: '启动模式',
                description: 'message-only：首次启动时不做快照，只同步之后的变更。',
                enum: ['message-only'],
              },
            },
          },
        },
        required: ['uri'],
      },
      validations: ['test_connection', 'check_privileges', 'discover_fields_no_cache'],
    },
  ],
  components: { schemas: CREDENTIAL_SCHEMAS },
};
