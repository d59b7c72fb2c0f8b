/**
 * The byte streams of BLE: frames out of messages, and messages out of whatever arrives.
 *
 *     A5 | type u8 | length u16 | crc u16 | payload        big-endian; CRC-16/CCITT-FALSE of the payload
 *
 * Where a write or a notification ends means nothing. Bytes that are no frame are skipped; the search goes on behind
 * the false A5.
 */

import { concat } from "./bytes.js";

export const CLEAR = 1; // type: JSON as it is
export const SEALED = 2; // type: counter, ciphertext, tag

export const LARGEST = 6144; // bytes of payload
export const HEADER = 6; // bytes
export const GAP_MS = 5000;

const MARK = 0xa5;

/** CRC-16/CCITT-FALSE. */
export function crc16(data) {
  let crc = 0xffff;
  for (const byte of data) {
    let mixed = (crc >> 8) ^ byte;
    mixed ^= mixed >> 4;
    crc = ((crc << 8) ^ (mixed << 12) ^ (mixed << 5) ^ mixed) & 0xffff;
  }
  return crc;
}

/** A whole frame. Throws RangeError when the payload is longer than LARGEST. */
export function frame(type, payload) {
  if (payload.length > LARGEST) throw new RangeError(`${payload.length} bytes, at most ${LARGEST}`);
  const header = new DataView(new ArrayBuffer(HEADER));
  header.setUint8(0, MARK);
  header.setUint8(1, type);
  header.setUint16(2, payload.length);
  header.setUint16(4, crc16(payload));
  return concat(new Uint8Array(header.buffer), payload);
}

/** The frame in pieces of at most `size` bytes: what one write carries. */
export function* chunks(bytes, size) {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

/** Messages out of the device's stream. `rubbish` counts the bytes that were skipped. */
export class Parser {
  rubbish = 0;
  #bytes = new Uint8Array(0);
  #suspect = 0; // behind the damaged message that is being searched
  #lastMs = 0;

  /** Forget what arrived: the connection is new. */
  clear() {
    this.#bytes = new Uint8Array(0);
    this.#suspect = 0;
  }

  /**
   * Take what arrived at `nowMs`; returns what it completed, in order: {type, payload}, or {damaged: true} once for
   * each message whose CRC is wrong, or {late: true} when the message before stopped for 5 s and was dropped.
   */
  push(data, nowMs) {
    const found = this.expire(nowMs);
    this.#lastMs = nowMs;
    this.#bytes = concat(this.#bytes, data);
    for (;;) {
      const next = this.#next();
      if (next === null) return found;
      if (next !== undefined) found.push(next);
    }
  }

  /** Drop a message whose next byte did not come within 5 s. */
  expire(nowMs) {
    if (!this.#bytes.length || nowMs - this.#lastMs < GAP_MS) return [];
    this.clear();
    return [{ late: true }];
  }

  // One step: null when more bytes are needed, undefined when the search goes on, else what was found.
  #next() {
    const mark = this.#bytes.indexOf(MARK);
    if (mark !== 0) return this.#skipTo(mark < 0 ? this.#bytes.length : mark);
    const bytes = this.#bytes;
    if (bytes.length > 1 && bytes[1] !== CLEAR && bytes[1] !== SEALED) return this.#skipTo(1);
    if (bytes.length < 4) return null;
    const length = (bytes[2] << 8) | bytes[3];
    if (length > LARGEST) return this.#skipTo(1);
    if (bytes.length < HEADER + length) return null;
    return this.#judge(HEADER + length);
  }

  #judge(end) {
    const payload = this.#bytes.slice(HEADER, end);
    if (crc16(payload) === ((this.#bytes[4] << 8) | this.#bytes[5])) {
      const type = this.#bytes[1];
      this.#drop(end);
      return { type, payload };
    }
    const known = this.#suspect > 0;
    this.#suspect = Math.max(this.#suspect, end);
    this.#skipTo(1);
    return known ? undefined : { damaged: true };
  }

  #skipTo(count) {
    if (!count) return null;
    this.rubbish += count;
    this.#drop(count);
    return undefined;
  }

  #drop(count) {
    this.#bytes = this.#bytes.slice(count);
    this.#suspect = Math.max(0, this.#suspect - count);
  }
}
