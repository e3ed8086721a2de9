import { notAcceptable } from '../status-error.ts';
import { MEDIA_TYPES } from './media-types.ts';

/** In which form a client wants an answer. */
export type AcceptedForm = 'object' | 'table' | 'metadata';

const JSON_TYPES = new Set(['application/json', 'application/*', '*/*', '']);
const known = new Map<string, AcceptedForm | undefined>();
/** Clients send a handful of different Accept headers; a hostile one must not fill the memory. */
const MAX_KNOWN = 200;

/**
 * The first form of an Accept header that this server has. Protobuf and YAML are not among them, so a client that names
 * them first gets the JSON that it names next.
 */
export function acceptedForm(
  accept: string,
  forms: readonly AcceptedForm[] = ['object', 'table', 'metadata'],
): AcceptedForm {
  let form = known.get(accept);
  if (form === undefined) {
    form = parse(accept, forms);
    if (form !== undefined && forms.length === 3 && known.size < MAX_KNOWN) known.set(accept, form);
  }
  if (form === undefined) throw notAcceptable(MEDIA_TYPES);
  return form;
}

function parse(accept: string, forms: readonly AcceptedForm[]): AcceptedForm | undefined {
  for (const entry of accept.split(',')) {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim());
    if (!JSON_TYPES.has(type.toLowerCase())) continue;
    const as = parameters.find((parameter) => parameter.startsWith('as='))?.slice(3);
    const form = as === undefined ? 'object' : formOf(as, parameters);
    if (form !== undefined && forms.includes(form)) return form;
  }
  return undefined;
}

function formOf(as: string, parameters: readonly string[]): AcceptedForm | undefined {
  if (!parameters.includes('g=meta.k8s.io') || !(parameters.includes('v=v1') || parameters.includes('v=v1beta1')))
    return undefined;
  if (as === 'Table') return 'table';
  return as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList' ? 'metadata' : undefined;
}
