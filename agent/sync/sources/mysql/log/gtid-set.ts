import { GtidSet as WireSet } from '@vlasky/zongji';

/** What its types leave out. */
type EncodedSet = WireSet & { encode(): Buffer };

/** Numbers of transactions, both ends included. */
interface Interval {
  from: number;
  to: number;
}

/** The numbers of one server (and tag), in order and apart from each other. */
class Numbers {
  readonly intervals: Interval[] = [];
  #head = '';
  #headCount = 0;

  /** `1-5:8`; all but the last interval is kept as text, for the last is what grows. */
  get text(): string {
    const last = this.intervals.at(-1);
    if (last === undefined) return '';
    const count = this.intervals.length - 1;
    if (this.#headCount !== count) {
      this.#head = this.intervals
        .slice(0, count)
        .map((interval) => `${show(interval)}:`)
        .join('');
      this.#headCount = count;
    }
    return `${this.#head}${show(last)}`;
  }

  has(number: number): boolean {
    // The newest are asked for most.
    for (let index = this.intervals.length - 1; index >= 0; index -= 1) {
      const { from = 0, to = 0 } = this.intervals[index] ?? {};
      if (number > to) return false;
      if (number >= from) return true;
    }
    return false;
  }

  add(from: number, to: number): void {
    const last = this.intervals.at(-1);
    if (last?.to === from - 1) {
      last.to = to;
      return;
    }
    let start = from;
    let end = to;
    const others = this.intervals.filter((interval) => {
      if (interval.to < start - 1 || interval.from > end + 1) return true;
      start = Math.min(start, interval.from);
      end = Math.max(end, interval.to);
      return false;
    });
    others.push({ from: start, to: end });
    others.sort((a, b) => a.from - b.from);
    this.intervals.splice(0, this.intervals.length, ...others);
    this.#headCount = -1;
  }
}

const show = ({ from, to }: Interval): string => (from === to ? String(from) : `${from}-${to}`);

/** Which transactions of MySQL there are: `uuid:1-5:8,uuid2:tag:1-3`. Made for one that is added after another. */
export class GtidSet {
  /** By `uuid` or `uuid:tag`. */
  readonly #sources = new Map<string, Numbers>();

  /** Of what the server writes. Throws an `Error` for what is no set. */
  static parse(text: string): GtidSet {
    const set = new GtidSet();
    for (const entry of text.split(',')) {
      const [uuid = '', ...items] = entry.trim().toLowerCase().split(':');
      if (uuid === '' && items.length === 0) continue;
      if (!UUID.test(uuid) || items.length === 0) throw new Error(`'${entry.trim()}' is no set of GTIDs`);
      let source = uuid;
      for (const item of items.map((given) => given.trim())) {
        const [, from, to] = INTERVAL.exec(item) ?? [];
        if (from !== undefined) set.#numbersOf(source).add(number(from), number(to ?? from));
        else if (TAG.test(item)) source = `${uuid}:${item}`;
        else throw new Error(`'${entry.trim()}' is no set of GTIDs`);
      }
    }
    return set;
  }

  /** One transaction: `uuid:7`, `uuid:tag:7`. */
  has(gtid: string): boolean {
    const at = gtid.lastIndexOf(':');
    return this.#sources.get(gtid.slice(0, at))?.has(Number(gtid.slice(at + 1))) ?? false;
  }

  add(gtid: string): void {
    const at = gtid.lastIndexOf(':');
    const added = number(gtid.slice(at + 1));
    this.#numbersOf(gtid.slice(0, at)).add(added, added);
  }

  /** As the server takes it. */
  toString(): string {
    const texts: string[] = [];
    for (const [source, numbers] of this.#sources) texts.push(`${source}:${numbers.text}`);
    return texts.join(',');
  }

  /** In the form of COM_BINLOG_DUMP_GTID. */
  encode(): Buffer {
    return (WireSet.parse(this.toString()) as EncodedSet).encode();
  }

  #numbersOf(source: string): Numbers {
    let numbers = this.#sources.get(source);
    if (numbers === undefined) {
      numbers = new Numbers();
      this.#sources.set(source, numbers);
    }
    return numbers;
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const INTERVAL = /^(\d+)(?:-(\d+))?$/;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;

/** Servers count far below. */
function number(digits: string): number {
  const value = Number(digits);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${digits} is no number of a transaction`);
  return value;
}
