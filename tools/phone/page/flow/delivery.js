/** Sends the draft, message by message, and says in plain data what will be sent. */

import { messages } from "../protocol/configuration.js";
import { Trouble } from "../protocol/trouble.js";

/**
 * Everything up to the device's "saved". `onBegin(label)` is called before each message. Returns what the device warned
 * of, sentences. Throws Trouble; "lost_trying" when nobody heard how its last step ended: watching tells.
 */
export async function deliver(link, draft, assembled, onBegin) {
  const warnings = [];
  for (const { typ, dat, label } of messages(draft, assembled)) {
    onBegin(label);
    const { details } = await tell(link, typ, dat);
    if (Array.isArray(details?.warnings)) warnings.push(...details.warnings.map(String));
  }
  return warnings;
}

async function tell(link, typ, dat) {
  try {
    return await link.request(typ, dat);
  } catch (error) {
    const isLost = error.kind === "link_lost" || error.kind === "no_answer";
    throw isLost && typ === "APPLY" ? new Trouble("lost_trying") : error;
  }
}

/** For the eyes: names only, no secret. `labels`: the steps that sending will take. */
export function summary(draft, assembled) {
  return {
    networks: draft.networks.map(({ ssid, password }) => ({ ssid, open: password === null })),
    endpoint: draft.aws.endpoint,
    port: draft.aws.port,
    name: draft.identity === "thing" ? draft.aws.thing : draft.identity === "claim" ? draft.aws.template : "",
    identity: draft.identity,
    certificate: assembled.identity?.cert.title ?? "",
    roots: assembled.roots.map(({ title }) => title),
    problems: assembled.problems,
    labels: messages(draft, assembled).map(({ label }) => label),
  };
}

/** The name of the network that a sentence of the device is about, or null. */
export function named(networks, sentence) {
  // The longest first: "home" is in a sentence about "home 2", too.
  const byLength = [...networks].sort((one, other) => other.ssid.length - one.ssid.length);
  const about = networks.length === 1 ? networks[0] : byLength.find(({ ssid }) => sentence.includes(ssid));
  return about?.ssid ?? null;
}
