import type { KubeObject } from '../../../kube/object.ts';
import { invalid, required, tooLong } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import { isObject } from '../schema/json-schema.ts';
import type { JsonObject } from '../schema/json-schema.ts';
import { configKeyErrors } from '../schema/names.ts';
import { decodedLength, immutableErrors, MAX_DATA_BYTES } from './config-map.ts';
import { AGE, defineBuiltin } from './define-builtin.ts';
import { base64, flag, kindOf, mapOf, text } from './schema-parts.ts';

interface Secret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const REDACTED = '<secret contents redacted>';

/** Turns `stringData` into `data`: it can only be written, never read. */
function foldStringData(object: JsonObject): void {
  const { stringData } = object;
  if (isObject(stringData)) {
    const data: JsonObject = { ...(isObject(object['data']) ? object['data'] : {}) };
    for (const [key, value] of Object.entries(stringData)) data[key] = Buffer.from(String(value)).toString('base64');
    object['data'] = data;
  }
  delete object['stringData'];
}

function typeErrors({ type, data = {}, metadata }: Secret): FieldError[] {
  const missing = (...keys: string[]): FieldError[] =>
    keys.filter((key) => !Object.hasOwn(data, key)).map((key) => required(`data[${key}]`));
  const notJson = (key: string): FieldError[] => {
    const errors = missing(key);
    if (errors.length > 0) return errors;
    try {
      if (isObject(JSON.parse(Buffer.from(data[key] ?? '', 'base64').toString()))) return [];
    } catch {
      // Reported like JSON of another shape; the parser's message would repeat the contents.
    }
    return [invalid(`data[${key}]`, REDACTED, 'must be a JSON object')];
  };
  switch (type) {
    case 'kubernetes.io/service-account-token':
      return metadata.annotations?.[ACCOUNT_NAME] ? [] : [required(`metadata.annotations[${ACCOUNT_NAME}]`)];
    case 'kubernetes.io/dockercfg':
      return notJson('.dockercfg');
    case 'kubernetes.io/dockerconfigjson':
      return notJson('.dockerconfigjson');
    case 'kubernetes.io/basic-auth': {
      const absent = missing('username', 'password');
      return absent.length === 2 ? absent : [];
    }
    case 'kubernetes.io/ssh-auth':
      return (data['ssh-privatekey'] ?? '') === '' ? [required('data[ssh-privatekey]')] : [];
    case 'kubernetes.io/tls':
      return missing('tls.crt', 'tls.key');
    default:
      return [];
  }
}

function dataErrors({ data = {} }: Secret): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    for (const message of configKeyErrors(key)) errors.push(invalid(`data[${key}]`, key, message));
    bytes += decodedLength(value);
  }
  if (bytes > MAX_DATA_BYTES) errors.push(tooLong('data', MAX_DATA_BYTES));
  return errors;
}

export const secretDefinition = defineBuiltin({
  group: '',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  selectableFields: ['type'],
  columns: [
    { name: 'Type', type: 'string', description: 'What the data is for.', jsonPath: '.type' },
    {
      name: 'Data',
      type: 'string',
      description: 'How many keys there are.',
      cell: (object) => Object.keys((object as Secret).data ?? {}).length,
    },
    AGE,
  ],
  schema: kindOf('Secret holds data that only some may see.', 'Secret', {
    type: text('What the data is for; some types need certain keys.', { 'x-go-type': 'v1.SecretType' }),
    data: mapOf('The values, in base64.', base64('A value.')),
    stringData: mapOf('Values as plain text, to write only: they become part of data.', text('A value.')),
    immutable: flag('Whether the data may never change again.'),
  }),
  applyDefaults: (object) => {
    foldStringData(object);
    if ((object['type'] ?? '') === '') object['type'] = 'Opaque';
  },
  validate: (object, old) => {
    const secret = object as unknown as Secret;
    const type = secret.type ?? '';
    return [
      ...(old !== undefined && old['type'] !== type ? [invalid('type', type, 'field is immutable')] : []),
      ...(old === undefined ? [] : immutableErrors(object, old, ['data'])),
      ...dataErrors(secret),
      ...typeErrors(secret),
    ];
  },
});
