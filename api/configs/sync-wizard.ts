import { idOf } from './config-id.ts';
import type { Endpoint } from './config-kind.ts';
import type { Configs } from './configs.ts';

/** How a console asks for a sync (facts §1.9): of what there is, only what is enabled can be chosen. */
export function syncWizard({ sources, pushers }: Configs): object {
  return {
    steps: [
      {
        step_id: 'initial_selection',
        title: '选择数据源和接收方',
        schema: {
          type: 'object',
          properties: {
            id: { type: 'string', title: '同步任务 ID', description: '同步任务的唯一标识。' },
            source: { type: 'string', title: '数据源', enum: enabledIds(sources.directory.list()) },
            pusher: { type: 'string', title: '数据接收方', enum: enabledIds(pushers.directory.list()) },
          },
          required: ['id', 'source', 'pusher'],
        },
        validations: [],
      },
      {
        step_id: 'field_mapping',
        title: '字段映射',
        schema: {
          type: 'object',
          properties: {
            fields_mapping: {
              type: 'array',
              title: '字段映射',
              description: '留空时各行原样推送。',
              default: [],
              items: {
                type: 'object',
                properties: {
                  to: { type: 'string', title: '目标字段' },
                  source: { type: 'array', title: '源字段', items: { type: 'string' } },
                  required: { type: 'boolean', title: '必填', default: false },
                },
                required: ['to', 'source'],
              },
            },
          },
        },
        validations: [],
      },
      {
        step_id: 'advanced_settings',
        title: '高级设置',
        schema: {
          type: 'object',
          properties: {
            disabled: { type: 'boolean', title: '创建后禁用', default: true },
            agent: { type: 'string', title: '运行任务的 Agent', description: '留空时由系统选择。' },
            onPositionLost: {
              type: 'string',
              title: '同步点位丢失时',
              enum: ['Snapshot', 'Fail', 'SkipToLatest'],
              default: 'Snapshot',
            },
          },
        },
        validations: [],
      },
    ],
    components: { schemas: {} },
  };
}

const enabledIds = (configs: readonly Endpoint[]): string[] =>
  configs.filter(({ spec }) => spec.disabled === false).map(idOf);
