/** A last look, and the sending. */

import { h, icon } from "./dom.js";
import { actions, button, host, lead, note, stepList, title } from "./parts.js";
import { STEPS } from "./words.js";

const IDENTITIES = { claim: "Enrols itself", thing: "Is a thing already", keep: "Keeps what it has" };
const LABELS = {
  session: "Connecting safely",
  settings: "Sending the settings",
  roots: "Sending the trusted root",
  identity: "Sending certificate and key",
  apply: "Trying the settings",
};

export function review({ summary, onEdit, onBack, onSend }) {
  const { networks, endpoint, port, identity, name, certificate, roots, problems } = summary;
  const names = networks.map(({ ssid, open }) => (open ? `${ssid} (open)` : ssid)).join(", ");
  const address = endpoint && host(port ? `${endpoint}:${port}` : endpoint);
  const rows = [
    line("wifi", "signal-4", "Wi-Fi", names || "Stays as it is", () => onEdit("wifi")),
    line("cloud", "cloud", "Cloud", address || "Stays as it is", () => onEdit("cloud")),
    line("identity", "chip", IDENTITIES[identity], name || "Name on the device stays", () => onEdit("cloud")),
  ];
  if (identity !== "keep") {
    const parts = [certificate && `${certificate}, with its key`, ...roots].filter(Boolean);
    const shown = parts.length ? parts.map((part) => h("div", {}, part)) : "Stay as they are";
    rows.push(line("certificates", "document", "Certificates", shown, () => onEdit("certificates")));
  }
  const element = h(
    "section.screen",
    {},
    title("Ready to send"),
    lead("The device tries the Wi-Fi first. Only if that works does it keep all of this; otherwise nothing changes."),
    h("ul.summary", {}, rows),
    ...problems.map((text) => note("warning", text)),
    actions(button("Back", onBack), button("Send to the device", onSend, "primary")),
  );
  return { element };
}

function line(key, picture, label, value, onEdit) {
  const edit = button("Change", onEdit, "link", { "aria-label": `Change: ${label}` });
  return h("li", { "data-key": key }, icon(picture), h("div", {}, h("small", {}, label), h("strong", {}, value)), edit);
}

export function sending({ summary, onCancel, say }) {
  const wifi = summary.networks[0]?.ssid;
  const label = (key) => (key === "apply" && wifi ? `Trying the Wi-Fi \u201c${wifi}\u201d` : LABELS[key]);
  const steps = stepList(["session", ...summary.labels].map((key) => ({ key, label: label(key) })));
  const element = h(
    "section.screen",
    {},
    h("div.hero.pulse", {}, icon("bluetooth")),
    title("Setting up"),
    lead("Keep this page open and stay near the device."),
    steps.element,
    actions(button("Cancel", onCancel)),
  );
  const state = ({ step }) => {
    const words = STEPS[step] ?? "";
    steps.detail(words);
    if (words) say(words);
  };
  return { element, begin: (key) => say(steps.begin(key)), state };
}
