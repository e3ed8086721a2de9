import { describeConformance } from './describe-conformance.ts';
import { kubectlDiscovering } from './scenarios/kubectl/discovering.ts';
import { kubectlReading } from './scenarios/kubectl/reading.ts';
import { kubectlWriting } from './scenarios/kubectl/writing.ts';

describeConformance('kubectl reads', kubectlReading);
describeConformance('kubectl writes', kubectlWriting);
describeConformance('kubectl discovers', kubectlDiscovering);
