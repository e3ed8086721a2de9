import type { KubeObject } from '../../kube/object.ts';
import type { Resource } from '../../kube/resource.ts';

const RBAC = { group: 'rbac.authorization.k8s.io', version: 'v1' } as const;

export interface Role extends KubeObject {
  rules?: { apiGroups: string[]; resources: string[]; resourceNames?: string[]; verbs: string[] }[];
}

export interface RoleRef {
  readonly apiGroup: string;
  readonly kind: 'Role' | 'ClusterRole';
  readonly name: string;
}

export interface RoleBinding extends KubeObject {
  roleRef: RoleRef;
  subjects?: { kind: string; name: string; namespace?: string }[];
}

export const serviceAccounts: Resource<KubeObject> = {
  ...{ group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount' },
};
export const configMaps: Resource<KubeObject & { data?: Record<string, string> }> = {
  ...{ group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' },
};
export const roles: Resource<Role> = { ...RBAC, plural: 'roles', kind: 'Role' };
export const clusterRoles: Resource<Role> = { ...RBAC, plural: 'clusterroles', kind: 'ClusterRole' };
export const roleBindings: Resource<RoleBinding> = { ...RBAC, plural: 'rolebindings', kind: 'RoleBinding' };
export const clusterRoleBindings: Resource<RoleBinding> = {
  ...{ ...RBAC, plural: 'clusterrolebindings', kind: 'ClusterRoleBinding' },
};

export const roleRef = (kind: RoleRef['kind'], name: string): RoleRef => ({ apiGroup: RBAC.group, kind, name });
