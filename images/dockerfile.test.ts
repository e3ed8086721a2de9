import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { IMAGES } from './contents.ts';
import { imageConfig } from './oci-archive.ts';

const project = join(import.meta.dirname, '..');
const { version, devDependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
  version: string;
  devDependencies: Record<string, string>;
};

/** The instructions of each stage of the Dockerfile, with those of the stages that it begins with. */
function stages(): Map<string, [string, string][]> {
  const found = new Map<string, [string, string][]>();
  let current: [string, string][] = [];
  const text = readFileSync(join(project, 'Dockerfile'), 'utf8');
  for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
    const [, word = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    const stage = /^(\S+) AS (\S+)$/.exec(rest);
    if (word === 'FROM') found.set(stage![2]!, (current = [...(found.get(stage![1]!) ?? []), [word, stage![1]!]]));
    else current.push([word, rest]);
  }
  return found;
}

/** What containers begin with by a stage's instructions, in the words of an OCI configuration. */
function configOf(instructions: readonly [string, string][]): Record<string, unknown> {
  const all = (word: string): string[] => instructions.filter(([one]) => one === word).map(([, rest]) => rest);
  const pairs = (word: string): Record<string, string> =>
    Object.fromEntries(
      all(word).flatMap((rest) => [...rest.matchAll(/(\S+?)="([^"]*)"/g)].map(([, k, v]) => [k!, v!])),
    );
  const args = Object.fromEntries(all('ARG').map((rest) => rest.split('=') as [string, string]));
  const labels = Object.entries(pairs('LABEL')).map(([name, value]) => [
    name,
    value.replace('$VERSION', args['VERSION']!),
  ]);
  return {
    User: all('USER').at(-1),
    Env: Object.entries(pairs('ENV')).map(([name, value]) => `${name}=${value}`),
    Entrypoint: JSON.parse(all('ENTRYPOINT').at(-1)!),
    WorkingDir: all('WORKDIR').at(-1),
    Labels: Object.fromEntries(labels),
  };
}

describe('the Dockerfile', () => {
  it.each(IMAGES)('makes $name of the same layers as the build without Docker', ({ name, layers }) => {
    const copied = stages()
      .get(name.replace('tiangong-', ''))!
      .filter(([word]) => word === 'COPY')
      .map(([, rest]) => /^--from=folders\S* \/folders\/(\S+) \/$/.exec(rest)?.[1]);

    expect(copied).toEqual([...layers, `sbom-${name}`]);
  });

  it.each(IMAGES)('gives $name the same user, entry point and variables', (image) => {
    expect(configOf(stages().get(image.name.replace('tiangong-', ''))!)).toEqual(imageConfig(image, version));
  });

  it('builds with the Node.js of the lock file, which goes into the images', () => {
    expect(stages().get('project')![0]).toEqual(['FROM', `node:${devDependencies['node']}-bookworm-slim`]);
  });

  it('begins images with nothing', () => {
    expect(stages().get('base')![0]).toEqual(['FROM', 'scratch']);
  });
});
