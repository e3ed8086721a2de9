import type { WizardStep } from '../wizard.ts';

/** The last step of every pusher's wizard: what all SyncPushers have. */
export const ADVANCED_SETTINGS: WizardStep = {
  step_id: 'advanced_settings',
  title: '高级参数',
  schema: {
    type: 'object',
    properties: {
      batch_size: {
        type: 'integer',
        title: '批处理大小',
        description: '单次向接收端推送事件的最大数量。',
        default: 100,
      },
      max_retries: {
        type: 'integer',
        title: '最大重试次数',
        description: '推送事件失败时的最大重试次数。',
        default: 10,
      },
      retry_delay_sec: { type: 'integer', title: '重试延迟 (秒)', description: '每次重试前的等待秒数。', default: 5 },
    },
  },
  validations: [],
};
