import { DOCS_SCRIPT } from './docs-script.ts';
import type { OpenApiDocument, Operation, Parameter, PathItem, Reference, Schema } from './openapi.ts';

const METHODS = ['get', 'post', 'put', 'delete'] as const;

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733}
h1{font-size:1.6rem}h2{font-size:1.1rem;margin:2rem 0 .3rem}code,.method{font-family:ui-monospace,monospace}
.method{display:inline-block;min-width:4.5rem;font-weight:700;color:#0b6e4f}table{border-collapse:collapse;width:100%}
td{border-top:1px solid #dde3e9;padding:.3rem .6rem;vertical-align:top}td:first-child{white-space:nowrap;width:12rem}
p{margin:.3rem 0}form{margin:.5rem 0}label{display:block}input,textarea{font:inherit;margin:.1rem .5rem}
textarea{width:95%;height:6rem}pre{background:#f2f5f7;padding:.5rem;overflow:auto;max-height:30rem}pre:empty{display:none}`;

/** The contract as one HTML page that loads nothing else, so that it can be read without access to the internet; it sends requests too. */
export function renderDocs(document: OpenApiDocument): string {
  const { title, version, description = '' } = document.info;
  const paths = Object.entries(document.paths).map(([path, item]) =>
    renderPath(path, item, document.components.parameters),
  );
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) => `<h2 id="${escape(name)}">${escape(name)}</h2>${renderSchema(schema)}`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escape(title)} API</title>
<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body>
<h1>${escape(title)} API ${escape(version)}</h1><p>${toHtml(description)}</p>
<p>For programs: <a href="openapi.json">openapi.json</a>.</p>
<form id="authorize"><label>Bearer token <input type="password" autocomplete="off"></label>
<button>Authorize</button> <output></output></form>
${paths.join('')}${schemas.join('')}<script>${DOCS_SCRIPT}</script></body></html>`;
}

type Parameters = OpenApiDocument['components']['parameters'];

function renderPath(path: string, item: PathItem, known: Parameters): string {
  return METHODS.flatMap((method) => {
    const operation = item[method];
    return operation === undefined ? [] : [renderOperation(method, path, item, operation, known)];
  }).join('');
}

function renderOperation(
  method: string,
  path: string,
  item: PathItem,
  operation: Operation,
  known: Parameters,
): string {
  const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])]
    .map((one) => ('$ref' in one ? known[nameOf(one)] : one))
    .filter((one) => one !== undefined);
  const rows = parameters.map((one) => row(`${one.name} (${one.in})`, one.description));
  const body = operation.requestBody?.content['application/json']?.schema;
  if (body !== undefined) rows.push(`<tr><td>body</td><td>${typeOf(body)}</td></tr>`);
  return `<h2><span class="method">${method.toUpperCase()}</span><code>${escape(path)}</code></h2>
<p>${toHtml(operation.summary)}. ${toHtml(operation.description ?? '')}</p><table>${rows.join('')}</table>${renderTry(
    method,
    path,
    operation,
    parameters,
  )}`;
}

/** A form that sends the request. Not of uploads, which have their own kind of body. */
function renderTry(method: string, path: string, { requestBody }: Operation, parameters: readonly Parameter[]): string {
  const content = requestBody?.content ?? {};
  const takesJson = 'application/json' in content;
  if (requestBody !== undefined && !takesJson) return '';
  const inputs = parameters.map(
    (one) =>
      `<label>${escape(one.name)} <input name="${escape(one.name)}" data-in="${escape(one.in)}"${
        one.in === 'path' ? ' required' : ''
      }></label>`,
  );
  return `<details><summary>Try it</summary><form class="try" data-method="${method.toUpperCase()}" data-path="${escape(path)}">
${inputs.join('')}${takesJson ? '<textarea>{}</textarea>' : ''}<button>Send</button><pre></pre></form></details>`;
}

function renderSchema(schema: Schema): string {
  const rows = Object.entries(schema.properties ?? {}).map(
    ([name, property]) =>
      `<tr><td><code>${escape(name)}</code>${schema.required?.includes(name) ? ' *' : ''}</td><td>${typeOf(property)} ${
        'description' in property ? toHtml(property.description ?? '') : ''
      }</td></tr>`,
  );
  return `<p>${toHtml(schema.description ?? '')}</p><table>${rows.join('')}</table>`;
}

function typeOf(schema: Schema | Reference): string {
  if (!('$ref' in schema)) return escape(schema.type ?? '');
  const name = nameOf(schema);
  return `<a href="#${escape(name)}">${escape(name)}</a>`;
}

const nameOf = ({ $ref }: Reference): string => $ref.split('/').at(-1) ?? '';

const row = (name: string, description = ''): string =>
  `<tr><td><code>${escape(name)}</code></td><td>${toHtml(description)}</td></tr>`;

const toHtml = (text: string): string => escape(text).replace(/`([^`]+)`/g, '<code>$1</code>');

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
