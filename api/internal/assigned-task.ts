import type { Request, RequestHandler, Response } from 'express';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { bearerTokenOf, setUser } from '../auth/user.ts';
import { ApiError } from '../errors.ts';
import { linger } from '../linger.ts';
import type { TaskReader } from '../tasks/task-reader.ts';
import { callerFor, speaksFor } from './agent-identity.ts';
import type { AgentUsers, Caller } from './agent-identity.ts';

/** Lets nobody on but agents and administrators. */
export function authenticate(authenticator: Authenticator, users: AgentUsers): RequestHandler {
  return async (req, res, next) => {
    const token = bearerTokenOf(req);
    const user = token === undefined ? undefined : await authenticator.authenticate(token);
    if (user !== undefined) setUser(res, user);
    const caller = user && callerFor(user, users);
    if (caller === undefined) {
      linger(req);
      throw new ApiError('Unauthorized', user && `user ${JSON.stringify(user.name)} is no agent by this token`, {
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    }
    (res.locals as { caller?: Caller }).caller = caller;
    next();
  };
}

/** Who sent the request. After `authenticate` only. */
export const callerOf = (res: Response): Caller => (res.locals as { caller: Caller }).caller;

/** The task of the request's path, if it is assigned to the caller; else rejects with `NotAssigned`. */
export async function assignedTask(reader: TaskReader, req: Request, epoch?: number): Promise<DeployTask> {
  const caller = callerOf(req.res as Response);
  const isAssigned = ({ status }: DeployTask): boolean =>
    speaksFor(caller, status?.assignment?.agent) && (epoch === undefined || status?.assignment?.epoch === epoch);
  const known = await reader.findByUid(String(req.params['uid']), caller.agents);
  if (known === undefined) throw new ApiError('NotAssigned');
  if (isAssigned(known)) return known;
  // The assignment may be newer than the informer's copy.
  const { namespace = '', name, uid } = known.metadata;
  const fresh = (await reader.getFresh({ namespace, name }))?.task;
  if (fresh === undefined || fresh.metadata.uid !== uid || !isAssigned(fresh)) throw new ApiError('NotAssigned');
  return fresh;
}
