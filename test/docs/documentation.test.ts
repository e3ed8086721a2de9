import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../kube/object.ts';
import { definitionsFromCrd } from '../../standalone/apiserver/schema/crd.ts';
import { anchors, codeBlocks, markdownFiles, readMarkdown, root, withoutCode } from './markdown.ts';

const definitions = new Map(
  readdirSync(join(root, 'crds'))
    .flatMap((file) => definitionsFromCrd(load(readFileSync(join(root, 'crds', file), 'utf8')) as KubeObject))
    .map((definition) => [definition.kind, definition]),
);

describe.each(markdownFiles())('%s', (path) => {
  const text = readMarkdown(path);

  it('links only to what is there', () => {
    const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
    const broken = links.filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchors(readMarkdown(target)).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('shows only manifests that the API server takes', () => {
    const objects = [...codeBlocks(text, 'yaml'), ...codeBlocks(text, 'sh')]
      .flatMap((block) =>
        block.includes('<<') ? [...block.matchAll(/<<'?EOF'?\n([^]*?)^EOF$/gm)].map((m) => m[1]!) : [block],
      )
      .filter((block) => /^apiVersion: tiangong\.io\//m.test(block))
      .flatMap((block) => loadAll(block) as KubeObject[]);
    const errors = objects.flatMap((object) => {
      const definition = definitions.get(object.kind ?? '');
      object.metadata.namespace ??= 'default';
      if (definition === undefined) return [`there is no kind ${object.kind ?? ''}`];
      const unknown = definition.prune(object).map((field) => `unknown field ${field}`);
      definition.applyDefaults(object);
      return [
        ...unknown,
        ...definition.validate(object, undefined).map(({ field, message }) => `${field}: ${message}`),
      ];
    });
    expect(errors).toEqual([]);
  });
});

describe('docs/reference', () => {
  it('has every reason that the operator and the agent write', () => {
    const sources = globSync(['agent/**/*.ts', 'operator/**/*.ts', 'kube/task-state.ts'], { cwd: root });
    const code = sources
      .filter((path) => !path.endsWith('.test.ts'))
      .map((path) => readFileSync(join(root, path), 'utf8'));
    const written =
      /(?:failed\(|reason: |endedStatus\(task, '\w+', |'(?:Failed|Canceled|Unknown)', |new (?:SourceError|PusherError|PipelineFailure|RunFailure)\(\s*)'([A-Z]\w+)'/g;
    const reasons = new Set(code.flatMap((text) => [...text.matchAll(written)].map((match) => match[1]!)));
    expect(reasons.size).toBeGreaterThan(20);
    const documented = ['deploytask', 'agent', 'agentpool', 'synctask']
      .map((kind) => readMarkdown(`docs/reference/${kind}.md`))
      .join();
    // Given only beside an abort, which decides.
    for (const reason of ['NotStarted', 'Aborted']) reasons.delete(reason);
    expect([...reasons].filter((reason) => !documented.includes(`\`${reason}\``))).toEqual([]);
  });
});

describe('README.zh.md', () => {
  const [english, chinese] = ['README.md', 'README.zh.md'].map(readMarkdown) as [string, string];

  it('has the code blocks of README.md', () => {
    expect(codeBlocks(chinese)).toEqual(codeBlocks(english));
  });

  it('has the sections of README.md', () => {
    const levels = (text: string): string[] => [...text.matchAll(/^(#+) /gm)].map((match) => match[1]!);
    expect(levels(chinese)).toEqual(levels(english));
  });

  it('has the settings of README.md', () => {
    const settings = (text: string): string[] =>
      [...text.matchAll(/^\| (`[A-Z_]+`.*?`--[\w-]+` \| [^|]*)\|/gm)].map((m) => m[1]!);
    expect(settings(english).length).toBeGreaterThan(3);
    expect(settings(chinese)).toEqual(settings(english));
  });
});
