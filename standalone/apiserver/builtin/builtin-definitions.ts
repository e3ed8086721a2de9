import type { ResourceDefinition } from '../resource-definition.ts';
import { configMapDefinition } from './config-map.ts';
import { customResourceDefinition } from './custom-resource-definition.ts';
import { coreEventDefinition, eventDefinition } from './event.ts';
import { leaseDefinition } from './lease.ts';
import { namespaceDefinition } from './namespace.ts';
import {
  localSubjectAccessReviewDefinition,
  selfSubjectAccessReviewDefinition,
  selfSubjectReviewDefinition,
  selfSubjectRulesReviewDefinition,
  subjectAccessReviewDefinition,
  tokenReviewDefinition,
} from './reviews.ts';
import { secretDefinition } from './secret.ts';
import { serviceAccountDefinition } from './service-account.ts';

/** The kinds that the server has of its own. Events of core/v1, the form in which they are stored, stand before the newer. */
export const builtinDefinitions: readonly ResourceDefinition[] = [
  configMapDefinition,
  coreEventDefinition,
  namespaceDefinition,
  secretDefinition,
  serviceAccountDefinition,
  customResourceDefinition,
  selfSubjectReviewDefinition,
  tokenReviewDefinition,
  localSubjectAccessReviewDefinition,
  selfSubjectAccessReviewDefinition,
  selfSubjectRulesReviewDefinition,
  subjectAccessReviewDefinition,
  leaseDefinition,
  eventDefinition,
];
