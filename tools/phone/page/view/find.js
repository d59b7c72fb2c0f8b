/** The screens up to the connection. */

import { fill, h, icon } from "./dom.js";
import { actions, allFine, button, field, lead, note, stepList, title, ways } from "./parts.js";

const OBSTACLES = {
  ios: [
    "iPhones and iPads need another browser",
    "Safari and Chrome for iOS cannot use Bluetooth. The browser Bluefy can: get it from the App Store, then open this page in it.",
  ],
  firefox: ["Firefox cannot use Bluetooth", "Open this page in Chrome or Edge, on an Android phone or a computer."],
  safari: ["Safari cannot use Bluetooth", "Open this page in Chrome or Edge."],
  insecure: [
    "This address is not secure",
    "Browsers allow Bluetooth on pages with https:// only, or on this computer itself (localhost).",
  ],
  linux: [
    "Bluetooth is switched off in this browser",
    "In Chrome for Linux, open chrome://flags/#enable-experimental-web-platform-features, enable it, and restart the browser.",
  ],
  other: [
    "This browser cannot use Bluetooth",
    "Open this page in Chrome or Edge, on an Android phone or a computer; on an iPhone in Bluefy.",
  ],
};

const NOTES = {
  bluetooth_off: ["warning", "Bluetooth is switched off, or this machine has none. Switch it on, then try again."],
  none_chosen: [
    "info",
    "No device was chosen. Is yours not in the list? It is listed only while it waits for settings: when it is new, or for some minutes after its button was held at start. On Android, Location must be on, too.",
  ],
  not_allowed: [
    "warning",
    "This browser is not allowed to use Bluetooth. Allow it, then try again: on Android in Settings, Apps, your browser, Permissions, Nearby devices (before Android 12: Location); on a computer in the privacy settings of the system, and in those of the browser.",
  ],
  code_missing: ["warning", "This device wants its setup code: it is on the label, below the QR code."],
};

export function unsupported({ obstacle }) {
  const [heading, text] = OBSTACLES[obstacle];
  const copy = button("Copy the page\u2019s address", async () => {
    const isCopied = await navigator.clipboard.writeText(location.href).then(() => true, () => false);
    copy.textContent = isCopied ? "Copied" : location.href;
  });
  const canCopy = obstacle !== "insecure" && navigator.clipboard;
  const element = h("section.screen.centred", {}, h("div.hero", {}, icon("bluetooth")), title(heading), lead(text));
  element.append(lead("Your setup code was not kept: scan the label\u2019s QR code again there."));
  if (canCopy) element.append(actions(copy));
  return { element };
}

export function find({ code, codeFromLink, device, note: noteName, group, check, onFind, onOther }) {
  const wrong = (typed) => (typed ? check(typed) : "");
  const input = field({
    label: "Setup code",
    hint: "16 characters, on the device\u2019s label",
    value: code,
    check: wrong,
    placeholder: "XXXX-XXXX-XXXX-XXXX",
    class: "code",
    autocapitalize: "characters",
    maxlength: "200", // the label's link may be pasted, too
  });
  input.input.addEventListener("input", () => keepGroups(input.input, group));
  const go = () => allFine(input) && onFind(input.value);
  const form = h("form", { onsubmit: submit(go), novalidate: true });
  if (codeFromLink) form.append(knownCode(code, input, form));
  else form.append(input.element);
  const element = h(
    "section.screen",
    {},
    h("div.hero", {}, icon("chip")),
    title(device ? "Check the setup code" : "Set up your device"),
    device
      ? lead("Chosen is ", h("strong", {}, device), ". Its setup code is on its label.")
      : lead("Switch the device on and stay near it. It takes about two minutes; have your Wi-Fi password ready."),
    noteName ? note(...NOTES[noteName]) : null,
    form,
    actions(
      device ? button("Another device", onOther) : null,
      button(device ? "Connect" : "Find device", go, "primary", { id: "find" }),
    ),
  );
  return { element };
}

function knownCode(code, input, form) {
  const change = button(
    "Change",
    () => {
      fill(form, input.element);
      input.input.focus();
    },
    "link",
  );
  const text = h(
    "div",
    {},
    h("strong", {}, "Setup code"),
    h("small.code", {}, code),
    h("small", {}, "From the label\u2019s QR code"),
  );
  return h("div.known", {}, icon("key"), text, change);
}

// Only while typing at the end: a correction in the middle keeps its cursor.
function keepGroups(input, group) {
  if (input.selectionStart === input.value.length) input.value = group(input.value);
}

export const submit = (go) => (event) => {
  event.preventDefault();
  go();
};

export function connecting({ name, onCancel, say }) {
  const steps = stepList([
    { key: "connect", label: "Connecting" },
    { key: "code", label: "Checking the setup code" },
    { key: "look", label: "Asking which Wi-Fi networks it sees" },
  ]);
  const element = h(
    "section.screen",
    {},
    h("div.hero.pulse", {}, icon("bluetooth")),
    title("Connecting"),
    lead(name ? [h("strong", {}, name), ": stay near it."] : "Stay near the device."),
    steps.element,
    actions(button("Cancel", onCancel)),
  );
  return { element, begin: (step) => say(steps.begin(step)) };
}

export function open({ name, onBack, onContinue }) {
  const element = h(
    "section.screen",
    {},
    h("div.hero.warn", {}, icon("alert")),
    title("This device does not encrypt"),
    lead(h("strong", {}, name), " is set up for bringing up a board: it asks for no setup code."),
    note(
      "warning",
      "Anybody near you can read what you send, Wi-Fi password and keys included. A device that you bought should never say this.",
    ),
    ways(button("Back to safety", onBack, "primary"), button("Go on without protection", onContinue, "danger")),
  );
  return { element };
}
