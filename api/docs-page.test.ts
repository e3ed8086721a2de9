import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { renderDocs } from './docs-page.ts';
import { DOCS_SCRIPT } from './docs-script.ts';
import { readOpenApi } from './openapi.ts';

describe('renderDocs', () => {
  const page = renderDocs(readOpenApi());

  it('has a field for the token, and loads nothing', () => {
    expect(page).toContain('<form id="authorize">');
    expect(page.match(/(src|href)="[^#"]*"/g)).toEqual(['href="openapi.json"']);
  });

  it('has a form with every parameter of a path for every request but uploads', () => {
    const forms = [...page.matchAll(/<form class="try" data-method="(\w+)" data-path="([^"]+)">([^]*?)<\/form>/g)];
    expect(forms.length).toBeGreaterThan(50);
    for (const [, , path = '', inputs = ''] of forms) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const asked = [...inputs.matchAll(/name="(\w+)" data-in="path"/g)].map(([, name]) => name);
      expect(asked.sort()).toEqual(inPath.sort());
    }
    expect(forms.some(([, method, path]) => method === 'POST' && path === '/api/v1/files')).toBe(false);
  });

  it('has a script that can be read, and that ends where it should', () => {
    expect(() => new Script(DOCS_SCRIPT)).not.toThrow();
    expect(DOCS_SCRIPT).not.toContain('</');
    expect(page.endsWith(`<script>${DOCS_SCRIPT}</script></body></html>`)).toBe(true);
  });
});
