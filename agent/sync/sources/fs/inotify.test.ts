import { closeSync, mkdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { IN, Inotify, parseEvents } from './inotify.ts';
import type { InotifyEvent } from './inotify.ts';

/** As the kernel writes it: the name padded with zeros to a multiple of 16 bytes. */
function encode({ wd, mask, name }: InotifyEvent): Buffer {
  const bytes = Buffer.from(name);
  const length = bytes.length === 0 ? 0 : Math.ceil((bytes.length + 1) / 16) * 16;
  const event = Buffer.alloc(16 + length);
  event.writeInt32LE(wd, 0);
  event.writeUInt32LE(mask, 4);
  event.writeUInt32LE(length, 12);
  bytes.copy(event, 16);
  return event;
}

function openInotify(): Inotify {
  const inotify = new Inotify();
  onTestFinished(() => [inotify.fd, inotify.wakeFd].forEach((fd) => closeSync(fd)));
  return inotify;
}

describe('parseEvents', () => {
  it('gives back what the kernel wrote', () => {
    const event = fc.record({
      wd: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
      mask: fc.nat({ max: 2 ** 32 - 1 }),
      name: fc.string({ unit: 'grapheme', maxLength: 60 }).map((name) => name.replaceAll(/[\0/]/g, '')),
    });
    fc.assert(
      fc.property(fc.array(event), (events) => {
        expect(parseEvents(Buffer.concat(events.map(encode)))).toEqual(events);
      }),
    );
  });
});

describe('Inotify', () => {
  it('tells what happens in a folder that is watched', () => {
    const folder = temporaryFolder();
    const inotify = openInotify();
    const wd = inotify.add(folder, IN.CLOSE_WRITE | IN.CREATE | IN.DELETE | IN.ONLYDIR);
    expect(inotify.read()).toEqual([]);
    writeFileSync(join(folder, 'file'), 'x');
    mkdirSync(join(folder, 'below'));
    rmSync(join(folder, 'file'));
    inotify.wait(10_000);
    expect(inotify.read()).toEqual([
      { wd, mask: IN.CREATE, name: 'file' },
      { wd, mask: IN.CLOSE_WRITE, name: 'file' },
      { wd, mask: IN.CREATE | IN.ISDIR, name: 'below' },
      { wd, mask: IN.DELETE, name: 'file' },
    ]);
    inotify.remove(wd!);
    expect(inotify.read()).toEqual([{ wd, mask: IN.IGNORED, name: '' }]);
  });

  it('knows a folder again, and says that there is none', () => {
    const folder = temporaryFolder();
    const inotify = openInotify();
    expect(inotify.add(folder, IN.CREATE)).toBe(inotify.add(join(folder, '.'), IN.CREATE));
    expect(inotify.add(join(folder, 'nothing'), IN.CREATE | IN.ONLYDIR)).toBeUndefined();
  });

  it('is woken by whoever writes to its file', () => {
    const inotify = openInotify();
    writeSync(inotify.wakeFd, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
    // Would the wait not end, the test would.
    inotify.wait(3_600_000);
    inotify.wait(0);
  });
});
