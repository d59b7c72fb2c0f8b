/** Bytes, texts and hexadecimal digits. */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The UTF-8 bytes of a text. */
export const utf8 = (text) => encoder.encode(text);

/** The text of UTF-8 bytes; throws TypeError for what is no UTF-8. */
export const text = (bytes) => decoder.decode(bytes);

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The bytes of hexadecimal digits, or null for anything else. */
export function unhex(digits) {
  if (typeof digits !== "string" || digits.length % 2 || !/^[0-9a-fA-F]*$/.test(digits)) return null;
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) => parseInt(digits.substr(2 * index, 2), 16));
}

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** True when both hold the same bytes; looks at all of them, so that time does not tell where the first differs. */
export function equal(one, other) {
  if (one.length !== other.length) return false;
  let different = 0;
  for (let index = 0; index < one.length; index++) different |= one[index] ^ other[index];
  return different === 0;
}

export function u32(value) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
