/** Leaves room for an id in front, in the 255 bytes that a file system takes. */
const MAX_BYTES = 200;

/** A longer one is no extension but part of the name. */
const MAX_EXTENSION_BYTES = 20;

/** Control characters, those that turn the direction of writing, line separators, and what is no character at all. */
const UNSEEN = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}\ufeff\ufffd]/gu;

/**
 * Makes of the name that a client sent one that can be a file's in any folder (manual §5, note 2): what follows the
 * last separator, `/` or `\`, without `..` and unseen characters, at most 200 bytes of UTF-8. Never empty.
 */
export function cleanFileName(raw: string): string {
  const base = raw.slice(Math.max(raw.lastIndexOf('/'), raw.lastIndexOf('\\')) + 1);
  const name = base.normalize('NFC').replace(UNSEEN, '_').replace(/\.\.+/g, '.').trim();
  return shorten(name === '' || name === '.' ? 'file' : name);
}

/** Cuts in front of the extension, between characters. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= MAX_BYTES) return name;
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && Buffer.byteLength(name.slice(dot)) <= MAX_EXTENSION_BYTES ? name.slice(dot) : '';
  let room = MAX_BYTES - Buffer.byteLength(extension);
  let kept = '';
  for (const character of name) {
    room -= Buffer.byteLength(character);
    if (room < 0) break;
    kept += character;
  }
  // Not `name...txt` again.
  return kept.replace(/[. ]+$/, '') + extension;
}
