import type { Request, RequestHandler, Response } from 'express';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { ApiError } from '../errors.ts';
import type { TaskReader } from '../tasks/task-reader.ts';
import type { Caller, TokenReviewer } from './token-reviewer.ts';

/** Lets nobody on but agents and administrators. */
export function authenticate(reviewer: TokenReviewer): RequestHandler {
  return async (req, res, next) => {
    const [, token] = /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? '') ?? [];
    const caller = token === undefined ? undefined : await reviewer.review(token);
    if (caller === undefined)
      throw new ApiError('Unauthorized', undefined, { headers: { 'WWW-Authenticate': 'Bearer' } });
    (res.locals as { caller?: Caller }).caller = caller;
    next();
  };
}

/** Who sent the request. After `authenticate` only. */
export const callerOf = (res: Response): Caller => (res.locals as { caller: Caller }).caller;

/** The task of the request's path, if it is assigned to the caller; else rejects with `NotAssigned`. */
export async function assignedTask(reader: TaskReader, req: Request, epoch?: number): Promise<DeployTask> {
  const { agent } = callerOf(req.res as Response);
  const isAssigned = ({ status }: DeployTask): boolean =>
    (agent === undefined || status?.assignment?.agent === agent) &&
    (epoch === undefined || status?.assignment?.epoch === epoch);
  const known = await reader.findByUid(String(req.params['uid']), agent);
  if (known === undefined) throw new ApiError('NotAssigned');
  if (isAssigned(known)) return known;
  // The assignment may be newer than the informer's copy.
  const { namespace = '', name, uid } = known.metadata;
  const fresh = (await reader.getFresh({ namespace, name }))?.task;
  if (fresh === undefined || fresh.metadata.uid !== uid || !isAssigned(fresh)) throw new ApiError('NotAssigned');
  return fresh;
}
