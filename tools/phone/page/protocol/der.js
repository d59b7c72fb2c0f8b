/** A reader of DER (X.690): it walks in place and never outside its bytes. What is not well-formed throws Malformed. */

export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT = 0x06;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;
export const SEQUENCE = 0x30;
export const SET = 0x31;

export const explicit = (number) => 0xa0 | number;

/** Says what is wrong, in a few words that go on after "cannot be used:". */
export class Malformed extends Error {}

export class Reader {
  #bytes;
  #at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  get any() {
    return this.#at < this.#bytes.length;
  }

  /** All the bytes, from the first. */
  get contents() {
    return this.#bytes;
  }

  nextIs(tag) {
    return this.#bytes[this.#at] === tag;
  }

  /** A Reader over what is inside the next element, which must have this tag. */
  enter(tag) {
    if (!this.nextIs(tag)) throw new Malformed(`it is not complete, or not what it seems (byte ${this.#at})`);
    return this.#step().inside;
  }

  /** The next element as a whole, header included. */
  whole(tag) {
    if (!this.nextIs(tag)) throw new Malformed(`it is not complete, or not what it seems (byte ${this.#at})`);
    return this.#step().element;
  }

  skip(tag) {
    if (!this.nextIs(tag)) return false;
    this.#step();
    return true;
  }

  finish() {
    if (this.any) throw new Malformed(`it has ${this.#bytes.length - this.#at} bytes too many`);
  }

  /** The bytes of a number that is not negative, without leading zeros. */
  unsigned() {
    if (!this.#bytes.length || this.#bytes[0] & 0x80) throw new Malformed("a number in it is empty or negative");
    let start = 0;
    while (start < this.#bytes.length && this.#bytes[start] === 0) start++;
    return this.#bytes.subarray(start);
  }

  /** The bytes of a bit string of whole bytes. */
  bits() {
    if (!this.#bytes.length || this.#bytes[0]) throw new Malformed("a bit string in it is damaged");
    return new Reader(this.#bytes.subarray(1));
  }

  #step() {
    const [length, start] = this.#length(this.#at + 1);
    if (length > this.#bytes.length - start) throw new Malformed("it was cut off");
    const element = this.#bytes.subarray(this.#at, start + length);
    this.#at = start + length;
    return { element, inside: new Reader(this.#bytes.subarray(start, this.#at)) };
  }

  #length(at) {
    const first = this.#bytes[at];
    if (first === undefined) throw new Malformed("it was cut off");
    if (first < 0x80) return [first, at + 1];
    // 0x80 alone is the indefinite form, which DER does not have; nothing here needs more than three bytes.
    const count = first & 0x7f;
    if (count < 1 || count > 3 || at + count >= this.#bytes.length) throw new Malformed("a length in it is not one");
    let length = 0;
    for (let offset = 1; offset <= count; offset++) length = (length << 8) | this.#bytes[at + offset];
    return [length, at + 1 + count];
  }
}
