/** Certificate files: dropped in, chosen or pasted, sorted out and checked. */

import { fill, h, icon } from "./dom.js";
import { actions, button, lead, note, title } from "./parts.js";

const ROLES = {
  certificate: "Its certificate",
  key: "Its private key",
  root: "Trusted root",
  stranger: "Not for this key",
  unused: "Not needed",
};
const INTRO = {
  claim: "The claim certificate with its private key, and the root that signs the cloud\u2019s certificate.",
  thing: "The thing\u2019s certificate with its private key, and the root that signs the cloud\u2019s certificate.",
};
const LARGEST_FILE = 65536; // bytes; longer ones are no certificates

export function certificates(props) {
  const { identity, onFiles, onPaste, onRemove, onBack, onNext, say } = props;
  const status = h("div.status");
  const found = h("ul.files");
  const next = button("Continue", onNext, "primary", { id: "next" });
  const refresh = ({ items, assembled, notes }) => {
    fill(status, ...checklist(assembled), ...[...assembled.problems, ...notes].map((text) => note("warning", text)));
    fill(found, ...items.map((item) => row(item, remove)));
    const isWhole = assembled.identity && assembled.roots.length && !assembled.problems.length;
    next.textContent = isWhole || items.length ? "Continue" : "Skip, it has them";
    next.className = `button ${isWhole ? "primary" : "secondary"}`;
    next.disabled = assembled.problems.length > 0;
  };
  const update = async (change) => {
    const now = await change;
    refresh(now);
    say([...now.notes, ...now.assembled.problems].join(" ") || `${now.items.length} parts`);
  };
  const remove = (id) => update(onRemove(id));
  refresh(props);
  const element = h(
    "section.screen",
    {},
    title("Its certificates"),
    lead(INTRO[identity]),
    dropZone(async (files) => update(onFiles(await read(files)))),
    pasteBox((text) => update(onPaste(text))),
    status,
    found,
    actions(button("Back", onBack), next),
  );
  return { element };
}

function checklist({ identity, roots }) {
  const parts = [
    [identity !== null, "Certificate and private key, a pair"],
    [roots.length > 0, "Trusted roots (for AWS: AmazonRootCA1.pem, AmazonRootCA3.pem)"],
  ];
  const line = ([isThere, text]) =>
    h(isThere ? "li.there" : "li", {}, icon(isThere ? "check" : "dot", isThere ? "there" : "missing"), text);
  return [h("ul.checklist", {}, parts.map(line))];
}

function row({ id, file, title: what, problem, role }, remove) {
  const drop = h("button.icon-button", { type: "button", "aria-label": `Remove ${what}`, onclick: () => remove(id) });
  drop.append(icon("close"));
  const text = h("div", {}, h("strong", {}, what), h("small", {}, `${ROLES[role]} \u00b7 ${file}`));
  if (problem) text.append(h("small.problem", {}, `Careful: ${problem}.`));
  return h("li", {}, icon(role === "key" ? "key" : "document"), text, drop);
}

function dropZone(take) {
  const input = h("input.visually-hidden", {
    type: "file",
    multiple: true,
    id: "files",
    "aria-describedby": "files-hint",
  });
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = ""; // the same file may be chosen again
  });
  const hint = h("small", { id: "files-hint" }, "PEM or DER, as AWS gives them; the page sorts them out");
  const zone = h(
    "label.drop",
    { for: "files" },
    icon("upload"),
    h("strong", {}, "Choose files, or drop them here"),
    hint,
  );
  const over = (event) => {
    event.preventDefault();
    zone.classList.toggle("over", event.type === "dragover");
  };
  zone.addEventListener("dragover", over);
  zone.addEventListener("dragleave", over);
  zone.addEventListener("drop", (event) => {
    over(event);
    take([...event.dataTransfer.files]);
  });
  return h("div.drop-box", {}, input, zone);
}

function pasteBox(take) {
  const area = h("textarea", {
    rows: "4",
    id: "paste",
    spellcheck: "false",
    autocomplete: "off",
    placeholder: "-----BEGIN CERTIFICATE-----",
  });
  const use = () => {
    if (!area.value.trim()) return;
    take(area.value);
    area.value = "";
  };
  const label = h("label.visually-hidden", { for: "paste" }, "Certificates and key as text");
  return h("details", {}, h("summary", {}, "Paste text instead"), label, area, button("Take it", use));
}

const read = (files) => Promise.all(files.map(async (file) => ({ name: file.name, bytes: await contents(file) })));

// Null for what cannot be read: a folder, a file that is gone.
async function contents(file) {
  try {
    // One byte too many is enough to be refused as too large.
    return new Uint8Array(await file.slice(0, LARGEST_FILE + 1).arrayBuffer());
  } catch {
    return null;
  }
}
