/**
 * What a setting may be. lib/settings_checks.py has the same rules; a test puts the same values to both.
 * Every check returns "" for a value that is fine, else a sentence for the person who typed it.
 */

import { utf8 } from "./bytes.js";

export const MAX_NETWORKS = 8;
export const MAX_SSID = 32; // bytes in UTF-8
export const PASSWORD = Object.freeze({ least: 8, most: 63, key: 64 });
export const MAX_THING = 128;
export const MAX_TEMPLATE = 36;
export const MAX_HOST = 253;
export const DEFAULT_PORT = 8883;
export const ROLES = Object.freeze(["thing", "claim", "ca"]);

const LABEL = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

export function ssid(value) {
  const size = isText(value) ? utf8(value).length : 0;
  if (!size) return "Type the network's name.";
  if (size > MAX_SSID) return `The name is too long: ${size} bytes, at most ${MAX_SSID}.`;
  return value.includes("\0") ? "The name has a character that no network can have." : "";
}

/** null is an open network. */
export function password(value) {
  if (value === null) return "";
  if (!isText(value) || !value) return "Type the password.";
  if (value.length === PASSWORD.key && /^[0-9a-fA-F]+$/.test(value)) return "";
  if (value.length < PASSWORD.least) return `Wi-Fi passwords have at least ${PASSWORD.least} characters.`;
  if (value.length > PASSWORD.most) return `Wi-Fi passwords have at most ${PASSWORD.most} characters.`;
  return /^[ -~]+$/.test(value) ? "" : "Wi-Fi passwords have only letters without accents, digits and common signs.";
}

export function endpoint(value) {
  if (!isText(value) || !value) return "Type the endpoint's name.";
  if (value.includes("://")) return "Only the name: leave out what stands before and with \u201c://\u201d.";
  if (value.includes("/")) return "Only the name: leave out the \u201c/\u201d and what follows.";
  if (value.includes(":")) return "Only the name: the port has a field of its own.";
  return host(value);
}

export function host(value) {
  const wrong = "This is not the name of a host, such as abc123-ats.iot.eu-west-1.amazonaws.com.";
  if (!isText(value) || !value || value.length > MAX_HOST) return wrong;
  const labels = value.split(".");
  if (/^[0-9]+$/.test(labels.at(-1))) return labels.length === 4 && labels.every(isOctet) ? "" : wrong;
  return labels.every((label) => LABEL.test(label)) ? "" : wrong;
}

export function port(value) {
  return Number.isInteger(value) && value >= 1 && value <= 65535 ? "" : "A port is a number from 1 to 65535.";
}

export const thing = (value) => word(value, MAX_THING, /^[A-Za-z0-9:_-]+$/, "letters, digits and : _ -");

export const template = (value) => word(value, MAX_TEMPLATE, /^[A-Za-z0-9_-]+$/, "letters, digits and _ -");

function word(value, most, allowed, what) {
  if (!isText(value) || !value) return "Type the name.";
  if (value.length > most) return `The name is too long: at most ${most} characters.`;
  return allowed.test(value) ? "" : `Only ${what} are possible here.`;
}

const isOctet = (label) => /^[0-9]{1,3}$/.test(label) && Number(label) <= 255;

// Half of a surrogate pair is no character: it cannot be sent as UTF-8.
const isText = (value) => typeof value === "string" && !/\p{Surrogate}/u.test(value);
