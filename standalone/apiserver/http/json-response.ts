import type { ApiResponse } from './api-call.ts';

export function json(status: number, body: string, headers?: Readonly<Record<string, string | string[]>>): ApiResponse {
  return { status, contentType: 'application/json', body, ...(headers !== undefined && { headers }) };
}
