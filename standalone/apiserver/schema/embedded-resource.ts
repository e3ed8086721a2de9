import type { KubeObject } from '../../../kube/object.ts';
import { invalid, required } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import { FieldPath } from './field-path.ts';
import { isObject } from './json-schema.ts';
import type { JsonObject } from './json-schema.ts';
import { dns1035LabelErrors, pathSegmentErrors } from './names.ts';
import { MetadataError, normalizeMetadata } from './object-meta.ts';
import { validateMetadata } from './object-meta-validation.ts';
import type { SchemaNode } from './structural.ts';

/** Checks resources inside a resource (`x-kubernetes-embedded-resource`): type and metadata as of any object. */
export function validateEmbedded(root: JsonObject, node: SchemaNode): FieldError[] {
  const errors: FieldError[] = [];
  if (node.hasEmbedded) walkMembers(root, node, new FieldPath(), errors);
  return errors;
}

function walkMembers(object: JsonObject, node: SchemaNode, path: FieldPath, errors: FieldError[]): void {
  for (const name in object) {
    const property = node.properties.get(name);
    const child = property?.node ?? node.additional;
    if (child?.hasEmbedded !== true) continue;
    path.push(property?.segment ?? `[${name}]`);
    walk(object[name], child, path, errors);
    path.pop();
  }
}

function walk(value: unknown, node: SchemaNode, path: FieldPath, errors: FieldError[]): void {
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      if (node.items === undefined) return;
      path.push(index);
      walk(item, node.items, path, errors);
      path.pop();
    });
  } else if (isObject(value)) {
    if (node.embedded) checkResource(value, path, errors);
    walkMembers(value, node, path, errors);
  }
}

function checkResource(object: JsonObject, path: FieldPath, errors: FieldError[]): void {
  for (const name of ['apiVersion', 'kind']) {
    const value = object[name];
    const field = path.text(`.${name}`);
    if (value === undefined) errors.push(required(field));
    else if (typeof value !== 'string') errors.push(invalid(field, value, 'must be a string'));
    else if (value === '') errors.push(invalid(field, value, 'must not be empty'));
    else if (name === 'apiVersion' && value.split('/').length > 2)
      errors.push(invalid(field, value, `unexpected GroupVersion string: ${value}`));
    else if (name === 'kind') {
      const texts = dns1035LabelErrors(value.toLowerCase());
      const text = `may have mixed case, but should otherwise match: ${texts.join(',')}`;
      if (texts.length > 0) errors.push(invalid(field, value, text));
    }
  }
  if (object['metadata'] === undefined) return;
  const field = path.text('.metadata');
  try {
    const copy = structuredClone({ metadata: object['metadata'] });
    normalizeMetadata(copy, field);
    const metadata = { name: 'fakename', ...(copy.metadata as object) } as KubeObject['metadata'];
    errors.push(...validateMetadata({ metadata }, metadata.namespace !== undefined, pathSegmentErrors, field));
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error;
    errors.push(invalid(field, object['metadata'], error.message));
  }
}
