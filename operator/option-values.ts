import { InvalidArgumentError } from 'commander';
import { parseNamespaces } from '../kube/watched-namespaces.ts';

/** Reads an integer from `min` to `max`, for commander. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`must be ${min} to ${max}`);
    }
    return value;
  };
}

/** Reads names of namespaces, for commander. */
export function namespaces(text: string): readonly string[] {
  try {
    return parseNamespaces(text);
  } catch (err) {
    throw new InvalidArgumentError((err as Error).message);
  }
}
