/** Above 15 digits before the point, or 14 zeros behind it, the server takes the form with an exponent. */
const MOST_WHOLE_DIGITS = 15;
const MOST_ZEROS = 14;

/**
 * A DOUBLE as MySQL prints it in JSON: the shortest digits that are read back as the value (dtoa's mode 4), placed as
 * its `my_gcvt` does, with `.0` behind what would look like an integer.
 */
export function jsonDouble(value: number): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa = '', exponent = ''] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  // The point stands before the first digit, moved by so many places.
  const point = Number(exponent) + 1;
  if (point < -MOST_ZEROS || (point > MOST_WHOLE_DIGITS && digits.length <= point))
    return `${sign}${mantissa}e${point - 1}`;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  const whole = digits.slice(0, point).padEnd(point, '0');
  return `${sign}${whole}.${digits.slice(point) || '0'}`;
}
