import { boolYaml11Tag, CORE_SCHEMA, defineScalarTag, mergeTag, NOT_RESOLVED } from 'js-yaml';
import type { Schema } from 'js-yaml';

/** A number that JavaScript cannot hold exactly: the object would silently get another one. */
export class InexactNumber extends Error {
  override readonly name = 'InexactNumber';
}

const INTEGER = /^([-+]?)(0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)$/;

/**
 * Integers as kubectl reads them: `0644` is octal, as in every `defaultMode` ever written, though YAML 1.2 says 644.
 * Sexagesimals (`1:30`) are text.
 */
const intTag = defineScalarTag<number>('tag:yaml.org,2002:int', {
  implicit: true,
  implicitFirstChars: '-+0123456789'.match(/./g),
  resolve: (source) => {
    const [, sign, literal] = INTEGER.exec(source) ?? [];
    if (literal === undefined) return NOT_RESOLVED;
    const digits = literal.replaceAll('_', '');
    const value = Number(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
    if (Number.isNaN(value)) return NOT_RESOLVED;
    if (!Number.isSafeInteger(value)) throw new InexactNumber(`the number ${source} is too large to be kept exactly`);
    return sign === '-' ? -value : value;
  },
  identify: Number.isInteger,
});

const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const INFINITE = /^[-+]?\.(inf|Inf|INF)$/;

/** Also with underscores. */
const floatTag = defineScalarTag<number>('tag:yaml.org,2002:float', {
  implicit: true,
  implicitFirstChars: '-+.0123456789'.match(/./g),
  resolve: (source) => {
    const digits = source.replaceAll('_', '');
    if (FLOAT.test(digits)) return Number(digits);
    if (INFINITE.test(source)) return Infinity;
    return /^\.(nan|NaN|NAN)$/.test(source) ? NaN : NOT_RESOLVED;
  },
  identify: (data) => typeof data === 'number',
});

/**
 * How kubectl reads YAML, so that a manifest means the same here: octal integers, `yes`, `no`, `on` and `off` as
 * booleans, merge keys; times stay text. kubectl-schema.cluster.test.ts compares it with the real kubectl.
 */
export const KUBECTL_SCHEMA: Schema = CORE_SCHEMA.withTags(intTag, floatTag, boolYaml11Tag, mergeTag);
