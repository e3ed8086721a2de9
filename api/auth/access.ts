import type { Response } from 'express';
import { ApiError } from '../errors.ts';
import { refusal } from './attributes.ts';
import type { Attributes, ResourceAttributes } from './attributes.ts';
import type { Authorizer } from './authorizer.ts';
import type { User } from './user.ts';

/** What the sender of one request may do. */
export interface Access {
  /** Rejects when the API server does not say. */
  allows(attributes: Attributes): Promise<boolean>;
  /** Rejects with `Forbidden` unless it is allowed. */
  require(attributes: Attributes): Promise<void>;
}

/** Where nobody is asked who they are, everybody may do everything. */
export const FULL_ACCESS: Access = {
  allows: () => Promise.resolve(true),
  require: () => Promise.resolve(),
};

export const accessFor = (user: User, authorizer: Authorizer): Access => ({
  allows: (attributes) => authorizer.allows(user, attributes),
  require: async (attributes) => {
    if (!(await authorizer.allows(user, attributes))) throw new ApiError('Forbidden', refusal(user.name, attributes));
  },
});

export function setAccess(res: Response, access: Access): void {
  (res.locals as { access?: Access }).access = access;
}

/** What the sender of the request may do beyond what its route asks for. Throws where no guard stands before the route. */
export function accessOf(res: Response): Access {
  const { access } = res.locals as { access?: Access };
  if (access === undefined) throw new Error('nobody asked who sent the request');
  return access;
}

/** Each costs a review while answers are not known. */
const MAX_NAMESPACES = 200;
const AT_ONCE = 16;

/** Where the caller may do something. */
export interface VisibleNamespaces {
  has(namespace: string): boolean;
  /** How many namespaces were not asked about, since there are too many: they are not visible. */
  readonly omitted: number;
}

/**
 * In which of the namespaces the caller may do it. Rejects with `Forbidden`, about the home namespace, when in none.
 * Whoever may do it in all namespaces costs one review, others one for each of 200 namespaces at most.
 */
export async function visibleNamespaces(
  access: Access,
  attributes: Omit<ResourceAttributes, 'namespace' | 'name'>,
  homeNamespace: string,
  namespaces: () => ReadonlySet<string>,
): Promise<VisibleNamespaces> {
  if (await access.allows(attributes)) return { has: () => true, omitted: 0 };
  const others = [...namespaces()].filter((namespace) => namespace !== homeNamespace).sort();
  const asked = [homeNamespace, ...others.slice(0, MAX_NAMESPACES - 1)];
  const visible = new Set<string>();
  for (let start = 0; start < asked.length; start += AT_ONCE) {
    const group = asked.slice(start, start + AT_ONCE);
    const answers = await Promise.all(group.map((namespace) => access.allows({ ...attributes, namespace })));
    for (const [index, namespace] of group.entries()) if (answers[index] === true) visible.add(namespace);
  }
  if (visible.size === 0) await access.require({ ...attributes, namespace: homeNamespace });
  return { has: (namespace) => visible.has(namespace), omitted: others.length + 1 - asked.length };
}
