import type { TextWindow } from './text-window.ts';

/** A quote, a comment or a long word that has begun: nothing in it ends a statement. */
export interface HiddenText {
  /** Moves the window to its end, or as far as the window's text goes; whether the end was reached. */
  skip(window: TextWindow): boolean;
  /** What is there when the text ends inside it; undefined: that is no mistake. */
  readonly unfinished?: string;
}

const BACKSLASH = 92;
const STAR = 42;
const SLASH = 47;

/** A text in quotes that stand for themselves when doubled, if need be with escapes. */
export function quoted(quote: string, escapes: boolean): HiddenText {
  // Without escapes a doubled quote is the end of one text and the begin of the next: the same for us, and fast.
  return { skip: escapes ? (window) => skipEscaped(window, quote.charCodeAt(0)) : (window) => skipPast(window, quote) };
}

/** From the tag, `$name$`, to the next one. */
export function dollarQuoted(tag: string): HiddenText {
  return { skip: (window) => skipPast(window, tag) };
}

/** Up to the line end, which is not part of it. `ends` is global. */
export function lineComment(ends: RegExp): HiddenText {
  return {
    skip: (window) => {
      ends.lastIndex = window.pos;
      const found = ends.exec(window.text);
      window.pos = found?.index ?? window.text.length;
      return found !== null;
    },
  };
}

/** The window stands behind the first mark. */
export function blockComment(nested: boolean): HiddenText {
  let depth = 1;
  const skip = (window: TextWindow): boolean => {
    const { text, final } = window;
    let { pos } = window;
    for (; pos < text.length && depth > 0; pos += 1) {
      const code = text.charCodeAt(pos);
      if (code !== STAR && code !== SLASH) continue;
      if (pos + 1 === text.length && !final) break;
      const next = text.charCodeAt(pos + 1);
      if (code === STAR && next === SLASH) depth -= 1;
      else if (nested && code === SLASH && next === STAR) depth += 1;
      else continue;
      pos += 1;
    }
    window.pos = Math.min(pos, text.length);
    return depth === 0;
  };
  return { skip, unfinished: 'comment' };
}

/** The rest of a word that is longer than any keyword. */
export function longWord(isWord: (code: number) => boolean): HiddenText {
  return {
    skip: (window) => {
      while (window.pos < window.text.length && isWord(window.text.charCodeAt(window.pos))) window.pos += 1;
      return window.pos < window.text.length;
    },
  };
}

function skipPast(window: TextWindow, end: string): boolean {
  const found = window.text.indexOf(end, window.pos);
  // The window may end with a part of what is looked for.
  const kept = window.final ? 0 : end.length - 1;
  window.pos = found < 0 ? Math.max(window.pos, window.text.length - kept) : found + end.length;
  return found >= 0;
}

function skipEscaped(window: TextWindow, quote: number): boolean {
  const { text, final } = window;
  let { pos } = window;
  let ended = false;
  while (pos < text.length && !ended) {
    const code = text.charCodeAt(pos);
    if (code !== quote && code !== BACKSLASH) {
      pos += 1;
      continue;
    }
    if (pos + 1 === text.length && !final) break;
    ended = code === quote && text.charCodeAt(pos + 1) !== quote;
    pos += ended ? 1 : 2;
  }
  window.pos = Math.min(pos, text.length);
  return ended;
}
