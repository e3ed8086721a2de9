/** Checks of names as k8s.io/apimachinery words them. Each returns what is wrong with the value; empty means valid. */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const KEY = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

const LABEL_PATTERN = new RegExp(`^${LABEL}$`);
const SUBDOMAIN_PATTERN = new RegExp(`^${SUBDOMAIN}$`);
const LABEL_1035_PATTERN = new RegExp(`^${LABEL_1035}$`);
const KEY_PATTERN = new RegExp(`^${KEY}$`);
const VALUE_PATTERN = new RegExp(`^(${KEY})?$`);

const LABEL_MESSAGE = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`;
const SUBDOMAIN_MESSAGE = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`;
const LABEL_1035_MESSAGE = `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '${LABEL_1035}')`;
const KEY_MESSAGE = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${KEY}')`;
const VALUE_MESSAGE = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${KEY})?')`;

/** The real server counts bytes everywhere, but calls them characters in names. */
const tooLong = (max: number, unit: 'bytes' | 'characters' = 'bytes'): string => `must be no more than ${max} ${unit}`;
const bytesOf = (text: string): number => Buffer.byteLength(text);

export type NameCheck = (name: string) => string[];

export function dnsLabelErrors(name: string): string[] {
  const errors = bytesOf(name) > 63 ? [tooLong(63, 'characters')] : [];
  if (!LABEL_PATTERN.test(name)) errors.push(SUBDOMAIN_PATTERN.test(name) ? 'must not contain dots' : LABEL_MESSAGE);
  return errors;
}

export function dnsSubdomainErrors(name: string, unit: 'bytes' | 'characters' = 'characters'): string[] {
  const errors = bytesOf(name) > 253 ? [tooLong(253, unit)] : [];
  if (!SUBDOMAIN_PATTERN.test(name)) errors.push(SUBDOMAIN_MESSAGE);
  return errors;
}

export function dns1035LabelErrors(name: string): string[] {
  const errors = bytesOf(name) > 63 ? [tooLong(63, 'characters')] : [];
  if (!LABEL_1035_PATTERN.test(name)) errors.push(LABEL_1035_MESSAGE);
  return errors;
}

/** Names that only have to be usable as a path segment. */
export function pathSegmentErrors(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((bad) => name.includes(bad)).map((bad) => `may not contain '${bad}'`);
}

/** Label keys, annotation keys and finalizers: a name with an optional DNS prefix. */
export function qualifiedNameErrors(value: string): string[] {
  const parts = value.split('/');
  if (parts.length > 2)
    return [
      `a valid label key ${KEY_MESSAGE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  const name = parts.at(-1) ?? '';
  const errors: string[] = [];
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (prefix === '') errors.push('prefix part must be non-empty');
  else if (prefix !== undefined)
    errors.push(...dnsSubdomainErrors(prefix, 'bytes').map((message) => `prefix part ${message}`));
  if (name === '') errors.push('name part must be non-empty');
  else if (bytesOf(name) > 63) errors.push(`name part ${tooLong(63)}`);
  if (!KEY_PATTERN.test(name)) errors.push(`name part ${KEY_MESSAGE}`);
  return errors;
}

export function labelValueErrors(value: string): string[] {
  const errors = bytesOf(value) > 63 ? [tooLong(63)] : [];
  if (!VALUE_PATTERN.test(value)) errors.push(VALUE_MESSAGE);
  return errors;
}

/** Checks a `generateName` with the check of the names made of it: a trailing dash is allowed. */
export function prefixErrors(prefix: string, check: NameCheck): string[] {
  return check(prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix);
}

const CONFIG_KEY = '[-._a-zA-Z0-9]+';
const CONFIG_KEY_PATTERN = new RegExp(`^${CONFIG_KEY}$`);

/** Keys of the data of ConfigMaps and Secrets: they become file names. */
export function configKeyErrors(key: string): string[] {
  const errors = bytesOf(key) > 253 ? [tooLong(253, 'characters')] : [];
  if (!CONFIG_KEY_PATTERN.test(key))
    errors.push(
      `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '${CONFIG_KEY}')`,
    );
  if (key === '.' || key === '..') errors.push(`must not be '${key}'`);
  else if (key.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}
