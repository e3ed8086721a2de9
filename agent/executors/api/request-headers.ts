/** Headers whose values are credentials, whoever set them: they never follow a redirect to another origin. */
const CREDENTIAL_HEADER =
  /^(authorization|proxy-authorization|cookie|x-api-key|api-key|x-auth-token|x-access-token|x-csrf-token|x-amz-security-token|private-token|x-vault-token)$/;

/** Headers that belong to the connection or are set from the body. */
const OWN_HEADER = /^(connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade)$/;

export interface RequestHeaders {
  /** Names in lower case. */
  readonly values: ReadonlyMap<string, string>;
  /** Those that may only go to the origin that the task names. */
  readonly confidential: ReadonlySet<string>;
}

/** Joins a task's headers with those of its Secret, which win; a string is what is wrong with them. */
export function joinHeaders(
  plain: Readonly<Record<string, unknown>>,
  secret: Readonly<Record<string, string>>,
): RequestHeaders | string {
  const values = new Map<string, string>();
  const confidential = new Set<string>();
  for (const [name, value] of [...Object.entries(plain), ...Object.entries(secret)]) {
    const key = name.trim().toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(key))
      return `params.headers: ${JSON.stringify(name)} is no name of a header`;
    if (OWN_HEADER.test(key)) return `params.headers: ${name} is set by the agent`;
    if (typeof value !== 'string') return `params.headers.${name} must be a string`;
    // Which byte is at fault is not told: the value may be a credential.
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) return `params.headers.${name} has a character that no header may have`;
    values.set(key, value);
    if (name in secret || CREDENTIAL_HEADER.test(key)) confidential.add(key);
  }
  return { values, confidential };
}

/** `content-type` as `Content-Type`. */
export const canonicalName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/(^|-)([a-z])/g, (_match, before: string, letter: string) => before + letter.toUpperCase());
