import type { ApiResponse } from './api-call.ts';

export function json(status: number, body: string, headers?: Readonly<Record<string, string | string[]>>): ApiResponse {
  return { status, contentType: 'application/json', body, ...(headers !== undefined && { headers }) };
}

export function text(body: string, contentType: string): ApiResponse {
  return { status: 200, contentType, body };
}

/** What Go's HTTP server says of a path that nothing handles. */
export function pageNotFound(): ApiResponse {
  return { status: 404, contentType: 'text/plain; charset=utf-8', body: '404 page not found\n' };
}
