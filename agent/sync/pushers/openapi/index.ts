import type { PusherDriver } from '../../pusher.ts';
import { openapiActions } from './actions.ts';
import { OpenapiPusher } from './openapi-pusher.ts';
import { openapiWizard } from './wizard.ts';

export const openapiPusher: PusherDriver = {
  name: 'openapi',
  wizard: openapiWizard,
  actions: openapiActions,
  open: (config, tools) => new OpenapiPusher(config, tools),
};
