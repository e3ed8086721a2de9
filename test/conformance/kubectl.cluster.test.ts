import { describe } from 'vitest';
import { describeConformance } from './describe-conformance.ts';
import { hasKubectl } from './kubectl.ts';
import { kubectlDiscovering } from './scenarios/kubectl/discovering.ts';
import { kubectlReading } from './scenarios/kubectl/reading.ts';
import { kubectlWriting } from './scenarios/kubectl/writing.ts';

describe.skipIf(!hasKubectl())('kubectl', () => {
  describeConformance('reads', kubectlReading);
  describeConformance('writes', kubectlWriting);
  describeConformance('discovers', kubectlDiscovering);
});
