/** Which Wi-Fi networks the device may use. */

import { fill, h, icon } from "./dom.js";
import { actions, allFine, button, field, lead, note, passwordField, title } from "./parts.js";
import { submit } from "./find.js";
import { WAYS, wordsFor } from "./words.js";

// dBm from which that many bars are shown.
const BARS = [-67, -75, -82];
const STRENGTHS = ["very weak", "weak", "good", "strong"];

export const bars = (rssi) => 4 - BARS.filter((limit) => rssi < limit).length;

export function wifi(props) {
  const list = h("ul.networks");
  const chosen = h("div");
  const next = button("Continue", props.onNext, "primary", { id: "next" });
  const shown = { aps: props.aps, networks: props.networks, opened: props.refused };
  const change = (networks) => {
    shown.networks = networks;
    shown.opened = props.refused = null;
    refresh();
    next.focus();
  };
  const context = {
    ...props,
    toggle: (key) => {
      shown.opened = shown.opened === key ? null : key;
      refresh();
    },
    add: (network) => {
      change(props.onAdd(network));
      props.say(`${network.ssid} was added`);
    },
    remove: (ssid) => change(props.onRemove(ssid)),
  };
  const refresh = () => {
    fill(chosen, chosenNetworks(shown.networks, props.refused, context));
    fill(list, ...rows(shown, context));
    next.textContent = shown.networks.length ? "Continue" : "Keep the Wi-Fi it has";
    next.className = `button ${shown.networks.length ? "primary" : "secondary"}`;
    list.querySelector(".opened input:not([type=checkbox])")?.focus();
  };
  refresh();
  const again = scanButton(props, (aps) => {
    shown.aps = aps;
    refresh();
  });
  const heading = h("div.heading", {}, h("h2", {}, "In range"), again);
  const element = h(
    "section.screen",
    {},
    title("Choose its Wi-Fi"),
    props.failure
      ? failureNote(props)
      : lead("Networks of 2.4 GHz that the device itself sees. It takes the first that works."),
    chosen,
    heading,
    list,
    actions(next),
  );
  return { element };
}

function failureNote({ failure, onGo }) {
  const { title: what, ways } = wordsFor("refused", failure.code);
  const others = ways.filter((way) => way === "cloud" || way === "certificates");
  const links = others.map((way) => button(WAYS[way], () => onGo(way), "link"));
  const said = failure.sentence ? h("small.said", {}, failure.sentence) : null;
  return note("warning", h("strong", {}, `Its last attempt failed: ${what}`), said, ...links);
}

function chosenNetworks(networks, refused, { remove }) {
  if (!networks.length) return null;
  const items = networks.map(({ ssid, password }) => {
    const drop = h("button.icon-button", {
      type: "button",
      "aria-label": `Remove ${ssid}`,
      onclick: () => remove(ssid),
    });
    drop.append(icon("close"));
    const isRefused = ssid === refused;
    const how = password === null ? "open network" : isRefused ? "this password was refused" : "password typed";
    const text = h("div", {}, h("strong", {}, ssid), h("small", {}, how));
    return h(isRefused ? "li.refused" : "li", {}, icon(isRefused ? "alert" : "check"), text, drop);
  });
  return [h("h2", {}, networks.length > 1 ? "Chosen, the first one first" : "Chosen"), h("ul.chosen", {}, items)];
}

function rows({ aps, networks, opened }, context) {
  const isChosen = (ap) => networks.some(({ ssid }) => ssid === ap.ssid);
  const list = aps.map((ap) => row(ap, isChosen(ap), opened === ap.ssid, context));
  if (!aps.length)
    list.push(h("li.empty", {}, "The device sees no network. Move it closer to the router, then look again."));
  const isFull = networks.length >= context.most;
  return isFull
    ? [...list, h("li.empty", {}, `${context.most} networks are the most.`)]
    : [...list, hidden(opened === "", context)];
}

function row(ap, isChosen, isOpened, context) {
  const strength = STRENGTHS[bars(ap.rssi) - 1];
  const head = h(
    "button.network",
    { type: "button", "aria-expanded": String(isOpened), onclick: () => pick(ap, context) },
    icon(`signal-${bars(ap.rssi)}`, `Signal ${strength}`),
    h("span.ssid", {}, ap.ssid),
    isChosen ? icon("check", "chosen") : ap.secure ? icon("lock", "with a password") : h("small", {}, "open"),
  );
  return h(isOpened ? "li.opened" : "li", {}, head, isOpened ? passwordForm(ap, context) : null);
}

function pick(ap, context) {
  if (ap.secure) context.toggle(ap.ssid);
  else context.add({ ssid: ap.ssid, password: null });
}

function passwordForm({ ssid }, { checks, add }) {
  const password = passwordField({ label: `Password of ${ssid}`, check: checks.password });
  const go = () => allFine(password) && add({ ssid, password: password.value });
  return h("form.inline", { onsubmit: submit(go), novalidate: true }, password.element, button("Add", go, "primary"));
}

function hidden(isOpened, context) {
  const head = h("button.network", {
    type: "button",
    "aria-expanded": String(isOpened),
    onclick: () => context.toggle(""),
  });
  head.append(icon("plus"), h("span.ssid", {}, "Another network\u2026"));
  return h(isOpened ? "li.opened" : "li", {}, head, isOpened ? hiddenForm(context) : null);
}

function hiddenForm({ checks, add }) {
  const name = field({ label: "Network name", check: checks.ssid });
  const password = passwordField({ label: "Password", check: (value) => (free.checked ? "" : checks.password(value)) });
  const free = h("input", {
    type: "checkbox",
    onchange: () => {
      password.element.hidden = free.checked;
    },
  });
  const go = () => allFine(name, password) && add({ ssid: name.value, password: free.checked ? null : password.value });
  const open = h("label.check", {}, free, "It has no password");
  return h(
    "form.inline",
    { onsubmit: submit(go), novalidate: true },
    name.element,
    open,
    password.element,
    button("Add", go, "primary"),
  );
}

function scanButton({ onScan, say }, onFound) {
  const made = button(
    [icon("refresh"), "Look again"],
    async () => {
      made.disabled = true;
      say("Looking for networks");
      const aps = await onScan();
      made.disabled = false;
      if (!aps) return;
      onFound(aps);
      say(`${aps.length} networks`);
    },
    "link",
  );
  return made;
}
