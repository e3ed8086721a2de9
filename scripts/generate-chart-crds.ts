/** Writes the chart's templates of the CRDs from crds/. Run by `make generate`. */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const templates = join(root, 'charts/tiangong/templates/crds');

/** Where the text of a CRD goes on after its name; labels and annotations come there. */
const NAME = /^metadata:\n {2}name: [a-z.]+\n/m;
const METADATA = `  labels:
    {{- include "tiangong.labels" (dict "root" .) | nindent 4 }}
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
`;

function template(path: string): string {
  const text = readFileSync(path, 'utf8');
  if (!NAME.test(text)) throw new Error(`${path}: no name where one was expected`);
  // Comments are for whoever edits the original; what looks like a template is to be printed as it is.
  const crd = text.replace(/^#.*\n/gm, '').replaceAll('{{', '{{ "{{" }}');
  return `{{- /* Generated from crds/${basename(path)} by make generate. */ -}}
{{- if .Values.crds.install }}
${crd.replace(NAME, (name) => `${name}${METADATA}`)}{{- end }}
`;
}

rmSync(templates, { recursive: true, force: true });
mkdirSync(templates, { recursive: true });
for (const path of globSync(join(root, 'crds/*.yaml')).sort())
  writeFileSync(join(templates, basename(path)), template(path));
