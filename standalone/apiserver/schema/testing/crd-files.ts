import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import type { ResourceDefinition } from '../../resource-definition.ts';
import { definitionsFromCrd } from '../crd.ts';
import type { CustomResourceDefinition } from '../crd-object.ts';

/** A CRD of the product, as `crds/` has it. */
export function readCrd(plural: 'deploytasks' | 'agents'): CustomResourceDefinition {
  const file = new URL(`../../../../crds/${plural}.yaml`, import.meta.url);
  return load(readFileSync(file, 'utf8')) as CustomResourceDefinition;
}

export function definitionOf(crd: CustomResourceDefinition): ResourceDefinition {
  const [definition] = definitionsFromCrd(crd);
  if (definition === undefined) throw new Error(`${crd.metadata.name} serves no version`);
  return definition;
}
