import { CREDENTIAL_SCHEMAS } from '../../wizard.ts';
import type { Wizard, WizardStep } from '../../wizard.ts';
import { ADVANCED_SETTINGS } from '../advanced-settings.ts';

const CONNECTION: WizardStep = {
  step_id: 'connection',
  title: '连接与凭证',
  schema: {
    type: 'object',
    properties: {
      endpoint: {
        type: 'string',
        title: 'OpenAPI Spec URL',
        description: '目标服务的 openapi.json 文件的完整URL。',
        format: 'uri',
      },
      credential: {
        type: 'object',
        title: '凭证',
        description: 'API 凭证 (支持 Basic Auth 或 API Key)',
        oneOf: [{ $ref: '#/components/schemas/PasswdCredential' }, { $ref: '#/components/schemas/ApiKeyCredential' }],
      },
    },
    required: ['endpoint', 'credential'],
  },
  validations: ['test_connection', 'discover_fields', 'check_privileges'],
};

export const openapiWizard: Wizard = {
  steps: [CONNECTION, ADVANCED_SETTINGS],
  components: { schemas: CREDENTIAL_SCHEMAS },
};
