/** What a person decided, as the messages that tell the device. */

import { certificatePem, keyPem } from "./credentials.js";

/** A new, empty draft. `identity`: "claim" (enrols itself), "thing" (has its certificate), "keep" (what it has). */
export const emptyDraft = () => ({
  networks: [],
  aws: { endpoint: "", port: null, thing: "", template: "" },
  identity: "claim",
});

/**
 * [{typ, dat, label}] to send in this order; `label` names the step for the page: "settings", "roots", "identity",
 * "apply". What the draft leaves empty is left out: the device keeps what it has.
 */
export function messages(draft, { identity, roots }) {
  const cfg = configuration(draft);
  const list = [];
  if (Object.keys(cfg).length) list.push({ typ: "CFG", dat: cfg, label: "settings" });
  if (roots.length) list.push({ typ: "CERT", dat: { role: "ca", cert: certificatePem(roots) }, label: "roots" });
  if (identity && draft.identity !== "keep") {
    const dat = { role: draft.identity, cert: certificatePem([identity.cert]), key: keyPem(identity.key) };
    list.push({ typ: "CERT", dat, label: "identity" });
  }
  list.push({ typ: "APPLY", dat: {}, label: "apply" });
  return list;
}

/** Unix seconds, for TIME. */
export const timeNow = () => ({ time: Math.floor(Date.now() / 1000) });

function configuration({ networks, aws, identity }) {
  const cfg = {};
  if (networks.length) cfg.networks = networks.map(({ ssid, password }) => ({ ssid, password }));
  const cloud = {};
  if (aws.endpoint) cloud.endpoint = aws.endpoint;
  if (aws.port) cloud.port = aws.port;
  if (identity === "thing" && aws.thing) cloud.thing = aws.thing;
  if (identity === "claim" && aws.template) cloud.template = aws.template;
  if (Object.keys(cloud).length) cfg.aws = cloud;
  return cfg;
}
