import { defineBuiltin } from './define-builtin.ts';
import { flag, kindOf, list, objectReference, struct, text } from './schema-parts.ts';

export const serviceAccountDefinition = defineBuiltin({
  group: '',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  namespaced: true,
  schema: kindOf('ServiceAccount is an identity for programs.', 'ServiceAccount', {
    secrets: list('Secrets that programs of the account may use.', objectReference('A Secret.')),
    imagePullSecrets: list(
      'Secrets to pull images with.',
      struct('A Secret.', 'LocalObjectReference', { name: text('The name of the Secret.') }),
    ),
    automountServiceAccountToken: flag('Whether pods of the account get its token.'),
  }),
});
