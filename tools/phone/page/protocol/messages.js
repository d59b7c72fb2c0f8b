/**
 * The JSON layer.
 *
 *     phone   {"typ": T, "id": u32, "dat": {...}}
 *     device  {"typ": "ACK", "id": n, "dat": {"pkt": T, "code": c, "msg": "...", ...}}
 */

import { text } from "./bytes.js";

/** The text of a message. */
export const message = (typ, id, dat = {}) => JSON.stringify({ typ, id, dat });

/**
 * An answer of the device: {pkt, id, code, sentence, details}; null for what is none. `id` and `pkt` are null where
 * the device could not know them.
 */
export function parseAck(json) {
  const document = parseObject(json);
  const dat = document?.dat;
  if (document?.typ !== "ACK" || !isObject(dat) || !Number.isInteger(dat.code)) return null;
  const { pkt = null, code, msg, ...details } = dat;
  return { pkt, id: document.id ?? null, code, sentence: typeof msg === "string" ? msg : "", details };
}

/** The object in the UTF-8 bytes of a STATE or INFO value, {} for anything else. */
export function parseValue(bytes) {
  try {
    return parseObject(text(bytes)) ?? {};
  } catch (error) {
    if (error instanceof TypeError) return {};
    throw error;
  }
}

/**
 * The last failure that STATE or STS tells of: {code, sentence}, or null. `code` is a number of the protocol, or null
 * when the device had none.
 */
export function lastFailure(state) {
  const last = state?.last;
  if (!isObject(last)) return null;
  const sentence = last.message ?? last.msg;
  return {
    code: Number.isInteger(last.code) ? last.code : null,
    sentence: typeof sentence === "string" ? sentence : "",
  };
}

/** The networks of a SCAN's answer, only those that are well-formed: [{ssid, rssi, secure}]. */
export function accessPoints(details) {
  const listed = Array.isArray(details.aps) ? details.aps : [];
  return listed
    .filter((ap) => isObject(ap) && typeof ap.ssid === "string" && ap.ssid !== "")
    .map(({ ssid, rssi, secure }) => ({ ssid, rssi: Number.isFinite(rssi) ? rssi : -100, secure: secure !== false }));
}

function parseObject(json) {
  try {
    const document = JSON.parse(json);
    return isObject(document) ? document : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
