import type { PusherDriver } from '../../pusher.ts';
import { echoActions } from './actions.ts';
import { EchoPusher } from './echo-pusher.ts';
import { echoWizard } from './wizard.ts';

export const echoPusher: PusherDriver = {
  name: 'echo',
  wizard: echoWizard,
  actions: echoActions,
  open: (config, tools) => new EchoPusher(config, tools),
};
