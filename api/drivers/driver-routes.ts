import { Router } from 'express';
import type { Request, Response } from 'express';
import { anyObject, object, optional, text } from '../configs/body-check.ts';
import { checked } from '../configs/config-body.ts';
import { refuseLogins } from '../configs/config-spec.ts';
import { ApiError } from '../errors.ts';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { requestSignal } from '../request-signal.ts';
import { sendJson } from '../send.ts';
import type { DriverActionAnswer, DriverActionRunner } from './driver-action-call.ts';
import type { Wizard, Wizards } from './wizards.ts';

export interface DriverRoutesParts {
  readonly wizards: Wizards;
  readonly actions: DriverActionRunner;
  /** Who sent a request, where callers have identities. */
  readonly identityOf: (req: Request) => string | undefined;
  /** Ends waiting when the server shuts down. */
  readonly stopping: AbortSignal;
}

type Side = 'source' | 'pusher';

/** Manual §3; `refuses`: the original answers 400 when these find something wrong (facts §1.9). */
const ACTIONS: Readonly<Record<Side, Readonly<Record<string, { readonly refuses: boolean }>>>> = {
  source: {
    test_connection: { refuses: true },
    check_params: { refuses: false },
    create_agent_user: { refuses: false },
    check_privileges: { refuses: false },
    discover_fields_no_cache: { refuses: true },
  },
  pusher: {
    test_connection: { refuses: false },
    check_privileges: { refuses: false },
    discover_fields: { refuses: false },
  },
};

const login = object({ user: optional(text), passwd: optional(text), key: optional(text) });
const actionBody = object({
  ...{ uri: optional(text), path: optional(text), endpoint: optional(text) },
  ...{ admin_creds: optional(login), credential: optional(login) },
  driver_params: optional(anyObject),
});

/** `/api/drivers`: what drivers there are, how they ask for a configuration, and their actions, which agents run (manual §3). */
export function driverRoutes(parts: DriverRoutesParts): Router {
  const { wizards } = parts;
  const router = Router();
  router
    .route('/')
    .get((_req, res) =>
      sendJson(res, 200, { sources: Object.keys(wizards.sources), pushers: Object.keys(wizards.pushers) }),
    )
    .all(methodNotAllowed('GET'));
  for (const side of ['source', 'pusher'] as const) {
    router
      .route(`/${side}s/:driver/wizard`)
      .get((req, res) => sendJson(res, 200, wizardOf(parts, side, req.params.driver)))
      .all(methodNotAllowed('GET'));
    for (const [action, { refuses }] of Object.entries(ACTIONS[side]))
      router
        .route(`/${side}s/:driver/_actions/${action}`)
        .post(async (req, res) => answer(res, await runAction(parts, side, action, req, res), refuses))
        .all(methodNotAllowed('POST'));
  }
  return router;
}

function wizardOf({ wizards }: DriverRoutesParts, side: Side, driver: string): Wizard {
  const known = new Map(Object.entries(wizards[`${side}s`]));
  const wizard = known.get(driver);
  if (wizard !== undefined) return wizard;
  const kind = side === 'source' ? 'Source' : 'Pusher';
  throw new ApiError('DriverUnknown', `${kind} driver '${driver}' not found. It is not an installed plugin.`);
}

async function runAction(
  parts: DriverRoutesParts,
  side: Side,
  action: string,
  req: Request<{ driver: string }>,
  res: Response,
): Promise<DriverActionAnswer> {
  const { driver } = req.params;
  wizardOf(parts, side, driver);
  const input = checked(actionBody, req.body ?? {});
  const { uri, path, endpoint, driver_params: driverParams } = input;
  refuseLogins({ uri, path, endpoint }, driverParams);
  const { agent_id: agentId } = req.query;
  const { signal } = requestSignal(res, parts.stopping);
  return parts.actions.run(
    {
      ...{ side, driver, action, input, createdBy: parts.identityOf(req as Request) },
      agentId: typeof agentId === 'string' && agentId !== '' ? agentId : undefined,
    },
    signal,
  );
}

function answer(res: Response, { success, message, fields, taskId }: DriverActionAnswer, refuses: boolean): void {
  if (!success && refuses) throw new ApiError('CheckFailed', message);
  sendJson(res, 200, { success, message, ...(fields && { fields }), task_id: taskId });
}
