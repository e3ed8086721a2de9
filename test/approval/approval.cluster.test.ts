import { describe } from 'vitest';
import { hasCluster } from '../kubernetes/shared.ts';
import { describeApproval } from './describe-approval.ts';
import { embeddedPlace, realPlace } from './places.ts';

describeApproval('the embedded server', embeddedPlace);
describe.skipIf(!hasCluster())('with a cluster', () => describeApproval('a real kube-apiserver', realPlace));
