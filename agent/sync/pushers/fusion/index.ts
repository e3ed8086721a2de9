import type { PusherDriver } from '../../pusher.ts';
import { fusionActions } from './actions.ts';
import { FusionPusher } from './fusion-pusher.ts';
import { fusionWizard } from './wizard.ts';

export const fusionPusher: PusherDriver = {
  name: 'fusion',
  wizard: fusionWizard,
  actions: fusionActions,
  open: (config) => new FusionPusher(config),
};
