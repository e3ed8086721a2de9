/** Nine digits stand in four bytes, fewer in as many as they need. */
const DIGITS_BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4] as const;
const GROUP = 9;

/** How many bytes DECIMAL(precision, scale) has. */
export function decimalBytes(precision: number, scale: number): number {
  return digitsBytes(precision - scale) + digitsBytes(scale);
}

/** The digits as the server writes them, with all zeros of the scale and none before. */
export function decimalText(bytes: Buffer, precision: number, scale: number): string {
  const negative = ((bytes[0] ?? 0) & 0x80) === 0;
  // The sign's bit is turned over; of a negative value all others are too.
  const digits = Buffer.from(negative ? bytes.map((byte) => byte ^ 0xff) : bytes);
  digits[0] = (digits[0] ?? 0) ^ 0x80;
  const whole = precision - scale;
  const head = whole % GROUP;
  const wholeText = groups(digits, 0, head, Math.floor(whole / GROUP), 0).replace(/^0+(?=\d)/, '') || '0';
  const fraction = groups(digits, digitsBytes(whole), 0, Math.floor(scale / GROUP), scale % GROUP);
  return `${negative ? '-' : ''}${wholeText}${scale > 0 ? `.${fraction}` : ''}`;
}

/** A short group of `head` digits, `count` groups of nine, a short one of `tail`. */
function groups(bytes: Buffer, start: number, head: number, count: number, tail: number): string {
  const lengths = [head, ...Array.from({ length: count }, () => GROUP), tail];
  let at = start;
  let text = '';
  for (const length of lengths) {
    const size = DIGITS_BYTES[length] ?? 0;
    if (size === 0) continue;
    text += String(bytes.readUIntBE(at, size)).padStart(length, '0');
    at += size;
  }
  return text;
}

function digitsBytes(digits: number): number {
  return Math.floor(digits / GROUP) * 4 + (DIGITS_BYTES[digits % GROUP] ?? 0);
}
