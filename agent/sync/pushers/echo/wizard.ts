import type { Wizard } from '../../wizard.ts';

export const echoWizard: Wizard = {
  steps: [
    {
      step_id: 'confirmation',
      title: 'Echo Driver',
      schema: {
        type: 'object',
        description: '此驱动没有任何需要配置的参数。它会将接收到的所有事件打印到日志中。',
        properties: {},
      },
      validations: [],
    },
  ],
  components: { schemas: {} },
};
