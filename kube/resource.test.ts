import { describe, expect, it } from 'vitest';
import { deployTasks, leases, resourcePath, secrets } from './resource.ts';

describe('resourcePath', () => {
  it('names collections, objects and subresources of named groups and of the core group', () => {
    expect(resourcePath(deployTasks, undefined)).toBe('/apis/tiangong.io/v1alpha1/deploytasks');
    expect(resourcePath(deployTasks, 'home')).toBe('/apis/tiangong.io/v1alpha1/namespaces/home/deploytasks');
    expect(resourcePath(deployTasks, 'home', 'task-1', 'status')).toBe(
      '/apis/tiangong.io/v1alpha1/namespaces/home/deploytasks/task-1/status',
    );
    expect(resourcePath(leases, 'home', 'a')).toBe('/apis/coordination.k8s.io/v1/namespaces/home/leases/a');
    expect(resourcePath(secrets, 'home', 's')).toBe('/api/v1/namespaces/home/secrets/s');
  });

  it('lets no name leave its place in the path', () => {
    expect(resourcePath(secrets, 'a b', 'c?d')).toBe('/api/v1/namespaces/a%20b/secrets/c%3Fd');
    for (const name of ['', '.', '..', 'default/secrets', '../c', 'a%2Fb']) {
      expect(() => resourcePath(secrets, 'home', name)).toThrow('is no name of a Kubernetes object');
      expect(() => resourcePath(secrets, name, 's')).toThrow('is no name of a Kubernetes object');
    }
  });
});
