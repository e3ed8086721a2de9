import type { TaskName } from './task-id.ts';

/** The blob of a task's long command. Known before the task is, so that a repeated create uses the same. */
export const commandBlobId = ({ namespace, name }: TaskName): string => `command:${namespace}:${name}`;

/** Whom a blob belongs to: the task that alone may read it, and with which it is deleted. */
export const blobOwner = ({ namespace, name }: TaskName): string => `${namespace}/${name}`;

export function parseBlobOwner(owner: string): TaskName {
  const slash = owner.indexOf('/');
  return { namespace: owner.slice(0, slash), name: owner.slice(slash + 1) };
}
