import { ApiError } from '../errors.ts';
import type { SentCredential } from './config-body.ts';
import type { Endpoint } from './config-kind.ts';
import type { ConfigSecrets, CredentialData } from './config-secrets.ts';
import { MASK } from './mask.ts';

/** On a configuration: how the login in its Secret is shown, and which Secret that is about. */
export const SHOWN_CREDENTIAL = 'tiangong.io/shown-credential';

/** A login as it is shown: without its secret, in the fields of facts §1.2. */
export type ShownCredential =
  { readonly user: string | null; readonly key: string } | { readonly user: string; readonly passwd: string | null };

/** Which Secret a configuration is to name: the one that it has, another of the caller's, or a new one with this login. */
export type LoginDecision =
  | { readonly type: 'keep' }
  | { readonly type: 'name'; readonly ref: string | undefined }
  | { readonly type: 'create'; readonly data: CredentialData; readonly shown: ShownCredential };

interface Login {
  readonly credential: SentCredential | undefined;
  readonly secret_ref: string | undefined;
}

/**
 * Decides about the login of a configuration that is `present`, undefined for a new one. `***` stands for what was there.
 * Rejects with `InvalidConfig` when nothing was.
 */
export async function decideLogin(
  sent: Login,
  present: Endpoint | undefined,
  secrets: ConfigSecrets,
): Promise<LoginDecision> {
  const { credential, secret_ref: ref } = sent;
  if (ref !== undefined) {
    if (credential !== undefined && !isMasked(credential))
      throw invalid('a credential may not be given when secret_ref is set: that Secret holds it');
    return ref === present?.spec.secret_ref ? { type: 'keep' } : { type: 'name', ref };
  }
  if (credential === undefined) return present === undefined ? { type: 'name', ref: undefined } : { type: 'keep' };
  const shown = show(credential);
  if (
    present !== undefined &&
    isMasked(credential) &&
    JSON.stringify(shown) === JSON.stringify(shownCredential(present))
  )
    return { type: 'keep' };
  const old = present && (await secrets.read(present));
  const data: Record<string, string> = {};
  for (const [key, value] of Object.entries(credential)) {
    if (value === undefined) continue;
    const meant = value === MASK ? old?.[key] : value;
    if (meant === undefined)
      throw invalid(
        `credential.${key} is ${MASK}, which stands for what is there, and there is nothing: send the credential itself`,
      );
    data[key] = meant;
  }
  return old !== undefined && isSame(old, data) ? { type: 'keep' } : { type: 'create', data, shown };
}

/** The login as it is shown; null for a Secret of a user's own, or none. */
export function shownCredential({ metadata, spec }: Endpoint): ShownCredential | null {
  try {
    const { secret, shown } = JSON.parse(metadata.annotations?.[SHOWN_CREDENTIAL] ?? '{}') as ShownAnnotation;
    return spec.secret_ref !== undefined && secret === spec.secret_ref ? (shown ?? null) : null;
  } catch {
    // Edited by hand.
    return null;
  }
}

interface ShownAnnotation {
  readonly secret?: string;
  readonly shown?: ShownCredential;
}

export const shownAnnotation = (secret: string, shown: ShownCredential): Record<string, string> => ({
  [SHOWN_CREDENTIAL]: JSON.stringify({ secret, shown } satisfies ShownAnnotation),
});

function show(credential: SentCredential): ShownCredential {
  if ('key' in credential) return { user: credential.user ?? null, key: MASK };
  return { user: credential.user, passwd: credential.passwd === undefined ? null : MASK };
}

/** Whether it has a secret that was not sent. */
const isMasked = (credential: SentCredential): boolean =>
  ('key' in credential ? credential.key : (credential.passwd ?? MASK)) === MASK;

function isSame(a: CredentialData, b: CredentialData): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

const invalid = (text: string): ApiError => new ApiError('InvalidConfig', text);
