import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HELM_VERSION, KUBECTL_VERSION } from './contents.ts';
import { goPrograms } from './go-programs.ts';

it('reads which modules were compiled into a program, replaced ones by what replaced them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'go-programs-'));
  const of = (name: string): string =>
    `${name}: go1.26.8\n\tpath\texample.com/${name}\n\tmod\texample.com/${name}\t(devel)\t\n`;
  const dep = (path: string, version: string): string => `\tdep\t${path}\t${version}\th1:abc=\n`;
  const build = '\tbuild\t-trimpath=true\n';
  writeFileSync(join(folder, 'kubectl.modules'), of('kubectl') + dep('a.example/b', 'v1.0.0') + build);
  const replaced = `${dep('k8s.io/api', 'v0.0.0')}\t=>\tk8s.io/staging/api\tv0.36.3\th1:abc=\n`;
  writeFileSync(join(folder, 'helm.modules'), of('helm') + replaced + dep('c.example', 'v2.0.0+incompatible') + build);

  expect(goPrograms(folder)).toEqual([
    { name: 'kubectl', version: KUBECTL_VERSION, modules: [{ path: 'a.example/b', version: 'v1.0.0' }] },
    {
      name: 'helm',
      version: HELM_VERSION,
      modules: [
        { path: 'k8s.io/staging/api', version: 'v0.36.3' },
        { path: 'c.example', version: 'v2.0.0+incompatible' },
      ],
    },
  ]);
  rmSync(folder, { recursive: true });
});
