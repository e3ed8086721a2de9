import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Transcript, renderTranscript } from './transcript.ts';

describe('Transcript', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tiangong-transcript-'));
    file = join(folder, 'entries.jsonl');
    vi.useFakeTimers({ now: 0 });
  });

  afterEach(() => {
    vi.useRealTimers();
    rmSync(folder, { recursive: true });
  });

  it('shows sections, sentences with their time since the beginning, and commands with what they printed', () => {
    const transcript = new Transcript(file);
    transcript.section('The cluster');
    vi.setSystemTime(75_000);
    transcript.note('All is ready.');
    transcript.command(['kubectl', 'get', 'nodes'], 'NAME  \nnode1\n');
    transcript.list(['one', 'two']);
    expect(renderTranscript(file, '# Run\n', new Map())).toBe(
      '# Run\n\n## The cluster\n\n`1:15` All is ready.\n\n```console\n$ kubectl get nodes\nNAME\nnode1\n```\n\n* one\n* two\n',
    );
  });

  it('quotes words of a command that a shell would take apart', () => {
    new Transcript(file).command(['kubectl', 'get', '-o', "jsonpath={.a['b']}"], '');
    expect(renderTranscript(file, '', new Map())).toContain(`$ kubectl get -o 'jsonpath={.a['\\''b'\\'']}'`);
  });

  it('cuts long outputs, and puts names in the place of paths', () => {
    new Transcript(file).command(['ls'], Array.from({ length: 50 }, (_, i) => `/home/someone/${i}`).join('\n'));
    const text = renderTranscript(file, '', new Map([['/home/someone', '$HOME']]));
    expect(text).toContain('$HOME/39\n… and 10 more lines\n');
    expect(text).not.toContain('someone');
  });
});
