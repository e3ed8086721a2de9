import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';

/** What somebody may do with some resources, and why. */
export interface Right {
  /** Empty for the core group. */
  readonly group: string;
  /** Plurals; a subresource as `deploytasks/status`. */
  readonly resources: readonly string[];
  /** Only objects of these names; any unless set. */
  readonly names?: readonly string[];
  readonly verbs: readonly string[];
  /** A line that holds only with this setting. */
  readonly when?: 'hostAccess' | 'policies' | 'tasksServiceAccount';
  readonly why: string;
}

/** The rights of a program of ours in some namespaces. */
export interface ComponentRole {
  readonly component: string;
  readonly where: 'watched' | 'home' | 'hold' | 'host' | 'pods';
  readonly rules: readonly Right[];
}

/** What is added to one of Kubernetes' own roles for people. */
export interface PeopleRole {
  readonly role: 'view' | 'edit' | 'admin';
  readonly rules: readonly Right[];
}

export interface RbacTable {
  readonly components: readonly ComponentRole[];
  /** The components that may review tokens and rights. */
  readonly delegates: readonly string[];
  readonly people: readonly PeopleRole[];
}

/** charts/tiangong/files/rbac.yaml: every right that the chart gives. */
export function readRbacTable(): RbacTable {
  return load(readFileSync(join(import.meta.dirname, '../charts/tiangong/files/rbac.yaml'), 'utf8')) as RbacTable;
}
