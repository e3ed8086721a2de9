/** A JSON Schema, with what the original's console reads: title, description, default, format, pattern, enum, $ref, oneOf. */
export type WizardSchema = Readonly<Record<string, unknown>>;

export interface WizardStep {
  readonly step_id: string;
  readonly title: string;
  readonly schema: WizardSchema;
  /** Names of actions, in the order in which they are run; the first failure ends it. */
  readonly validations: readonly string[];
}

/** How a console asks for a configuration (facts §1.9). */
export interface Wizard {
  readonly steps: readonly WizardStep[];
  readonly components: { readonly schemas: Readonly<Record<string, WizardSchema>> };
}

/** The logins that wizards ask for (facts §1.2). */
export const CREDENTIAL_SCHEMAS = {
  PasswdCredential: {
    type: 'object',
    title: '用户名密码凭证',
    properties: {
      user: { type: 'string', title: '用户名' },
      passwd: { type: 'string', title: '密码', format: 'password' },
    },
    required: ['user'],
  },
  ApiKeyCredential: {
    type: 'object',
    title: 'API Key 凭证',
    properties: {
      user: { type: 'string', title: '用户名' },
      key: { type: 'string', title: 'API Key', format: 'password' },
    },
    required: ['key'],
  },
} as const;
