/** Where the cloud is, and who the device is there. */

import { h } from "./dom.js";
import { actions, allFine, button, choice, field, lead, title } from "./parts.js";
import { submit } from "./find.js";

const CHOICES = [
  { value: "claim", label: "It enrols itself", text: "With a claim certificate and a provisioning template" },
  { value: "thing", label: "It is a thing already", text: "With its own certificate, made in AWS IoT" },
  { value: "keep", label: "Keep what it has", text: "Certificates and name on the device stay" },
];

export function cloud({ aws, identity, thing, checks, onNext, onBack }) {
  let chosen = identity;
  const optional = (check) => (value) => (value ? check(value) : "");
  const wanted = (kind, check) => (value) => (chosen === kind ? check(value) : "");
  const endpoint = field({
    label: "Endpoint",
    hint: "AWS IoT console, Settings; or: aws iot describe-endpoint --endpoint-type iot:Data-ATS",
    placeholder: "abc123-ats.iot.eu-west-1.amazonaws.com",
    inputmode: "url",
    value: aws.endpoint,
    check: (value) => (chosen === "keep" && !value ? "" : checks.endpoint(value.trim())),
  });
  const name = field({ label: "Name of the thing", value: aws.thing, check: wanted("thing", (value) => checks.thing(value.trim())) });
  const template = field({
    label: "Provisioning template",
    value: aws.template,
    check: wanted("claim", (value) => checks.template(value.trim())),
  });
  const port = field({
    label: "Port",
    hint: `Left empty, it is ${checks.DEFAULT_PORT}.`,
    inputmode: "numeric",
    value: aws.port ? String(aws.port) : "",
    check: optional((value) => checks.port(Number(value))),
  });
  const show = (value) => {
    chosen = value;
    name.element.hidden = value !== "thing";
    template.element.hidden = value !== "claim";
  };
  show(identity);
  const typed = () => ({
    aws: {
      endpoint: endpoint.value.trim(),
      port: Number(port.value) || null,
      thing: name.value.trim(),
      template: template.value.trim(),
    },
    identity: chosen,
  });
  const go = () => {
    more.open ||= !port.check(); // what is wrong there must be seen
    if (allFine(endpoint, name, template, port)) onNext(typed());
  };
  const who = choice("identity", "How does it sign in?", CHOICES, identity, show);
  const more = h("details", { open: Boolean(aws.port) }, h("summary", {}, "More"), port.element);
  const fields = [endpoint.element, who, template.element, name.element, more];
  const form = h(
    "form",
    { onsubmit: submit(go), novalidate: true },
    ...fields,
    h("button.visually-hidden", { tabindex: "-1" }),
  );
  const intro = thing ? lead("It is enrolled as ", h("strong", {}, thing), ".") : lead("The address of your AWS IoT.");
  const bar = actions(button("Back", () => onBack(typed())), button("Continue", go, "primary", { id: "next" }));
  return { element: h("section.screen", {}, title("Its cloud"), intro, form, bar) };
}
