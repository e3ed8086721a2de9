import { expect } from 'vitest';
import type { AnswerBody, Api } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { task } from '../objects.ts';

async function generate(api: Api, generateName: string): Promise<AnswerBody> {
  const { apiVersion, kind, spec } = task('');
  const request = { apiVersion, kind, metadata: { generateName }, spec };
  const answer = await api.post(api.own('deploytasks'), request, { recorded: false });
  expect(answer.status).toBe(201);
  api.normaliser.alias(answer.body.metadata.name ?? '', `${generateName.slice(0, 58)}<generated>`);
  api.record({ step: 'generated', body: answer.body });
  return answer.body;
}

export const generateName: Record<string, Scenario> = {
  'appends five characters to the prefix': async (api) => {
    const { metadata } = await generate(api, 'job-');
    expect(metadata.name).toMatch(/^job-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  },
  'cuts a prefix that would make the name too long for a label': async (api) => {
    const { metadata } = await generate(api, 'p'.repeat(70));
    expect(metadata.name).toMatch(/^p{58}[a-z0-9]{5}$/);
  },
  'prefers the name when both are given': async (api) => {
    const answer = await api.post(api.own('deploytasks'), task('fixed', {}, { generateName: 'job-' }));
    expect(answer.body.metadata.name).toBe('fixed');
  },
  'refuses an object with neither name nor prefix': async (api) => {
    const { metadata: _, ...rest } = task('');
    expect((await api.post(api.own('deploytasks'), rest)).status).toBe(422);
    expect((await api.post(api.core('configmaps'), { metadata: {} })).status).toBe(422);
  },
  'refuses a prefix that makes a bad name': async (api) => {
    const { spec } = task('');
    const bad = { apiVersion: 'tiangong.io/v1alpha1', kind: 'DeployTask', metadata: { generateName: 'Bad_' }, spec };
    const answer = await api.post(api.own('deploytasks'), bad, { recorded: false });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toMatch(/DeployTask\.tiangong\.io "Bad_\w{5}" is invalid/);
  },
};
