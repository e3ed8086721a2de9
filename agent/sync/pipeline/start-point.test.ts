import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../stream-entry.ts';
import { startPoint } from './start-point.ts';

const checkpoint = (index: number, sentIndex?: number): Checkpoint => ({
  index,
  ...(sentIndex !== undefined && { sentIndex }),
  position: { at: index },
  time: '2026-01-01T00:00:00Z',
});

describe('startPoint', () => {
  it('is the newest checkpoint that is not before the consumer', () => {
    const [newest, middle, oldest] = [checkpoint(30), checkpoint(20), checkpoint(10)];
    const checkpoints = [newest, middle, oldest];
    expect(startPoint(checkpoints, 30)).toEqual({ kind: 'Resume', checkpoint: newest });
    expect(startPoint(checkpoints, 29)).toEqual({ kind: 'Resume', checkpoint: middle });
    expect(startPoint(checkpoints, 1000)).toEqual({ kind: 'Resume', checkpoint: newest });
  });

  it('may lie behind the consumer, where nothing for the consumer came in between', () => {
    const ahead = checkpoint(30, 12);
    expect(startPoint([ahead, checkpoint(10)], 12)).toEqual({ kind: 'Resume', checkpoint: ahead });
    expect(startPoint([ahead], -1)).toMatchObject({ kind: 'Lost' });
    expect(startPoint([checkpoint(30, -1)], -1)).toMatchObject({ kind: 'Resume' });
  });

  it('is the first start only when there never was a checkpoint and the consumer has nothing', () => {
    expect(startPoint([], -1)).toEqual({ kind: 'FirstStart' });
    expect(startPoint([], 0)).toEqual({
      kind: 'Lost',
      message: 'the consumer is at index 0, and there is no checkpoint',
    });
    expect(startPoint([checkpoint(10)], -1)).toEqual({
      kind: 'Lost',
      message: 'the consumer is at index -1, and the oldest checkpoint is of index 10',
    });
  });
});
