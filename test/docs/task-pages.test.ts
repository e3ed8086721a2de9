import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { readMarkdown, root } from './markdown.ts';

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** The parameters of the resource with what they say, `target.host` and the like among them. */
function paramsOfCrd(): ReadonlyMap<string, string> {
  const crd = load(readFileSync(join(root, 'crds/deploytasks.yaml'), 'utf8')) as {
    readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[] };
  };
  const found = new Map<string, string>();
  const visit = (prefix: string, { properties = {} }: Schema): void => {
    for (const [name, schema] of Object.entries(properties)) {
      found.set(prefix + name, schema.description ?? '');
      visit(`${prefix}${name}.`, schema);
    }
  };
  visit('', crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.['spec']?.properties?.['params'] ?? {});
  return found;
}

const section = (page: string, title: string): string =>
  page.split(/^## /m).find((part) => part.startsWith(title)) ?? '';

/** The parameters in the first column of a table. */
const documented = (text: string): string[] =>
  [...text.matchAll(/^\| (`[^|]+?) \|/gm)].flatMap((row) =>
    [...row[1]!.matchAll(/`([^`]+)`/g)].map((name) => name[1]!),
  );

/** Every type that an agent can offer has an executor of this name. */
const types = globSync('agent/executors/*/*-executor.ts', { cwd: root }).map((path) => path.split('/')[2]!);
const crd = paramsOfCrd();

describe('docs/tasks', () => {
  it('has a page for each type, which the index lists', () => {
    expect(types.length).toBeGreaterThan(6);
    const pages = readdirSync(join(root, 'docs/tasks')).filter((file) => file !== 'README.md');
    expect(pages.sort()).toEqual(types.map((type) => `${type}.md`).sort());
    const index = readMarkdown('docs/tasks/README.md');
    expect(types.filter((type) => !index.includes(`[${type}](${type}.md)`))).toEqual([]);
  });

  describe.each(types)('%s.md', (type) => {
    const page = readMarkdown(`docs/tasks/${type}.md`);

    it('has the sections of all pages', () => {
      const titles = [...page.matchAll(/^## (.*)$/gm)].map((match) => match[1]!);
      expect(titles).toEqual(expect.arrayContaining(['Request', 'Parameters', 'What fails']));
      expect(titles.some((title) => /cancel.* restart$/i.test(title))).toBe(true);
    });

    it('names only parameters that the resource has or that the executor reads', () => {
      const sources = globSync(`agent/executors/${type}/**/*.ts`, { cwd: root });
      const code = sources.map((path) => readFileSync(join(root, path), 'utf8')).join('');
      const taken = [...code.matchAll(/const \{([^;]*)\} = params;/g)].map((match) => match[1]!).join(' ');
      const reads = (name: string): boolean => code.includes(`'${name}'`) || new RegExp(`\\b${name}\\b`).test(taken);
      const names = documented(section(page, 'Parameters'));
      expect(names.length).toBeGreaterThan(1);
      expect(names.filter((name) => !crd.has(name) && !reads(name))).toEqual([]);
    });

    it('leaves out no parameter that the resource has for this type', () => {
      const own = [...crd].filter(([, description]) => description.startsWith(`${type}: `)).map(([name]) => name);
      const names = documented(section(page, 'Parameters'));
      expect(own.filter((name) => !names.includes(name))).toEqual([]);
    });
  });
});
