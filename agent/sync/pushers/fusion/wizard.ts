import { CREDENTIAL_SCHEMAS } from '../../wizard.ts';
import type { Wizard } from '../../wizard.ts';
import { ADVANCED_SETTINGS } from '../advanced-settings.ts';

export const fusionWizard: Wizard = {
  steps: [
    {
      step_id: 'connection',
      title: '连接与凭证',
      schema: {
        type: 'object',
        properties: {
          endpoint: {
            type: 'string',
            title: 'Fusion 服务地址',
            description: 'Fusion 服务的基础URL，例如 http://fusion:8003。',
            format: 'uri',
          },
          credential: { $ref: '#/components/schemas/ApiKeyCredential' },
        },
        required: ['endpoint', 'credential'],
      },
      validations: ['test_connection', 'check_privileges'],
    },
    ADVANCED_SETTINGS,
  ],
  components: { schemas: { ApiKeyCredential: CREDENTIAL_SCHEMAS.ApiKeyCredential } },
};
