import type { Request, Router } from 'express';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { sendJson } from '../send.ts';
import type { Endpoint } from './config-kind.ts';
import type { EndpointConfigs } from './endpoint-configs.ts';

/** Adds the actions that sources and pushers have in common. `mayEnable` throws when the configuration may not be enabled. */
export function addActions<T extends Endpoint>(
  router: Router,
  configs: EndpointConfigs<T>,
  mayEnable?: (config: T) => void,
): void {
  const { title, word } = configs.directory.kind;
  const idIn = (req: Request): string => String(req.params['id']);

  router
    .route('/_actions/cleanup')
    .post(async (_req, res) => {
      const deleted = await configs.cleanup();
      const message = `Cleanup successful. Deleted ${deleted.length} obsolete ${word} configurations.`;
      sendJson(res, 200, { message, deleted_count: deleted.length, deleted_ids: deleted });
    })
    .all(methodNotAllowed('POST'));

  router
    .route('/:id/_actions/enable')
    .post(async (req, res) => {
      await configs.setDisabled(idIn(req), false, mayEnable);
      sendJson(res, 200, { message: `${title} config '${idIn(req)}' enabled successfully.` });
    })
    .all(methodNotAllowed('POST'));

  router
    .route('/:id/_actions/disable')
    .post(async (req, res) => {
      await configs.setDisabled(idIn(req), true);
      sendJson(res, 200, { message: `${title} config '${idIn(req)}' disabled successfully.` });
    })
    .all(methodNotAllowed('POST'));
}
