import { forbidden, invalid } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import { AGE, defineBuiltin } from './define-builtin.ts';
import { int32, kindOf, microTime, struct, text } from './schema-parts.ts';

interface LeaseSpec {
  leaseDurationSeconds?: number;
  leaseTransitions?: number;
  preferredHolder?: string;
  strategy?: string;
}

export const leaseDefinition = defineBuiltin({
  group: 'coordination.k8s.io',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  columns: [
    {
      name: 'Holder',
      type: 'string',
      description: 'Who holds the lease.',
      cell: (object) => (object as { spec?: { holderIdentity?: string } }).spec?.holderIdentity ?? '',
    },
    AGE,
  ],
  schema: kindOf('Lease says who holds something, and until when.', 'Lease', {
    spec: struct('Who holds the lease.', 'LeaseSpec', {
      holderIdentity: text('Who holds the lease; empty when it is released.'),
      leaseDurationSeconds: int32(
        'How long others wait after the last renewal before they take the lease, in seconds.',
      ),
      acquireTime: microTime('When the holder got the lease.'),
      renewTime: microTime('When the holder last renewed the lease.'),
      leaseTransitions: int32('How often the lease went to another holder.'),
      strategy: text('How the holder is chosen in a coordinated election.'),
      preferredHolder: text('To whom the holder should hand the lease over.'),
    }),
  }),
  applyDefaults: (object) => {
    object['spec'] ??= {};
  },
  validate: (object) => {
    const spec = (object['spec'] ?? {}) as LeaseSpec;
    const errors: FieldError[] = [];
    if (spec.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0)
      errors.push(invalid('spec.leaseDurationSeconds', spec.leaseDurationSeconds, 'must be greater than 0'));
    if (spec.leaseTransitions !== undefined && spec.leaseTransitions < 0)
      errors.push(invalid('spec.leaseTransitions', spec.leaseTransitions, 'must be greater than or equal to 0'));
    if ((spec.preferredHolder ?? '') !== '' && (spec.strategy ?? '') === '')
      errors.push(forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined'));
    return errors;
  },
});
