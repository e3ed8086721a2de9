import { createHash } from 'node:crypto';
import type { KubeObject } from '../../kube/object.ts';

/** What may be the name of one of our objects as it is: an RFC 1123 name of at most 63 characters (the CRDs' bound). */
const NAME = /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const MAX_ID_CHARACTERS = 253;
const MAX_SLUG = 46;
const HASH_DIGITS = 16;

/** A configuration: its id stands in its spec where it is no name of a Kubernetes object. */
export interface Identified extends KubeObject {
  spec: { id?: string };
}

/** Whether REST takes the id for a new configuration. It may be in any script, but not have what cannot be seen or be a folder. */
export function isConfigId(id: string): boolean {
  return (
    Array.from(id).length <= MAX_ID_CHARACTERS &&
    /^[^\p{C}\p{Z}]([^\p{C}\p{Zl}\p{Zp}]*[^\p{C}\p{Z}])?$/u.test(id) &&
    !/^\.+$/.test(id)
  );
}

/** The name of the object with the id: the id itself if it can be one, else a readable part of it and its hash. */
export function nameOfId(id: string): string {
  if (NAME.test(id)) return id;
  const slug = id
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_SLUG)
    .replace(/^-+|-+$/g, '');
  const hash = createHash('sha256').update(id).digest('hex').slice(0, HASH_DIGITS);
  return `${slug === '' ? 'id' : slug}-${hash}`;
}

/** The id that REST knows an object by. */
export const idOf = ({ spec, metadata }: Identified): string => spec.id ?? metadata.name;
