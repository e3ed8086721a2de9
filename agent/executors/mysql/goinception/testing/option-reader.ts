import { load } from 'js-yaml';

/** The options of a text, as the stand-in for goInception reads them. */
export type Options = Readonly<Record<string, unknown>>;

/**
 * Reads the comment before `inception_magic_start` as goInception does (facts §3.1): `remote` is deleted everywhere, then
 * it is cut at semicolons and at the first `=`, and what comes of it is read as YAML. `-` and `_` in names count for
 * nothing, upper case neither; a name with a space before it is another one.
 */
export function readOptions(text: string): Options | undefined {
  const comment = /^\/\*([\s\S]*?)\*\//.exec(text)?.[1];
  if (comment === undefined) return undefined;
  const lines = comment
    .replaceAll('remote', '')
    .split(';')
    .map((line) => {
      const at = line.indexOf('=');
      const name = (at < 0 ? line : line.slice(0, at)).replaceAll(/[-_]/g, '');
      if (at >= 0) return `${name}: ${line.slice(at + 1)}`;
      if (name.startsWith('enable')) return `${name.slice(6)}: true`;
      return name.startsWith('disable') ? `${name.slice(7)}: false` : name;
    });
  let read: unknown;
  try {
    read = load(lines.join('\n'));
  } catch {
    // It goes on without any option.
  }
  if (typeof read !== 'object' || read === null) return {};
  return Object.fromEntries(Object.entries(read).map(([name, value]) => [name.toLowerCase(), value as unknown]));
}

export const textOption = (options: Options, name: string): string => {
  const value = options[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

export const numberOption = (options: Options, name: string): number => Number(textOption(options, name)) || 0;

export const flagOption = (options: Options, name: string): boolean =>
  [true, 1, '1', 'true'].includes(options[name] as string);
