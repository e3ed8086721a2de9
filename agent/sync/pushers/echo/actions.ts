import type { PusherDriver } from '../../pusher.ts';

export const echoActions: PusherDriver['actions'] = {
  discover_fields: async () => ({
    success: true,
    message: '成功发现 0 个目标字段。',
    fields: { type: 'object', properties: {}, required: [] },
  }),
};
