import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { KubeClient } from '../../kube/client.ts';
import { HttpTransport } from '../../kube/http-transport.ts';
import { logDestination } from '../../kube/log-destination.ts';
import { cleanUp } from './clean-up.ts';
import { readConfig } from './config.ts';

const { kubeconfig, settings } = readConfig(process.argv);
const logger = pino({ base: { program: 'cleanup' } }, logDestination({ fd: 1 }));
const kubeConfig = new KubeConfig();
if (kubeconfig === undefined) kubeConfig.loadFromDefault();
else kubeConfig.loadFromFile(kubeconfig);
const transport = new HttpTransport(kubeConfig, { userAgent: 'tiangong-cleanup' });
const left = await cleanUp(new KubeClient(transport), settings, logger);
if (left.length === 0) logger.info('nothing holds the release any more');
else logger.error({ left: left.map(({ plural, namespace }) => `${namespace ?? '*'}/${plural}`) }, 'left as it is');
await transport.close();
// Also when something is left: a hook that fails would keep the release from being uninstalled. The report says what.
process.exit(0);
