import { InvalidArgumentError } from 'commander';

/** Reads a flag's value that must be a whole number from 0 to `max`. */
export function upTo(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < 0 || value > max)
      throw new InvalidArgumentError(`must be a whole number from 0 to ${max}`);
    return value;
  };
}
