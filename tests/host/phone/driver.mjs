/**
 * Runs the page's modules for pytest. A line of JSON comes in, lines of JSON go out; bytes travel as {"hex": "..."}.
 *
 *     {"call": "framing.crc16", "arguments": [...]}     calls protocol/framing.js's crc16
 *     {"script": "async (load, transport) => ...", "arguments": [...]}    runs a function with the modules at hand
 *     <- {"result": ...} or {"error": {"name", "message", "kind", "code", "details"}}
 *     <- {"radio": "open" | "write" | "info" | "state" | "close", "data"}, answered by {"data": [...], "value", "fail"}
 */

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const root = pathToFileURL(`${process.argv[2]}/`);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const waiting = []; // who asked the radio, in order

const load = (name) => import(new URL(name.includes("/") ? `${name}.js` : `protocol/${name}.js`, root));

const encode = (_, value) =>
  value instanceof Uint8Array ? { hex: Buffer.from(value).toString("hex") } : value === undefined ? null : value;
const decode = (_, value) =>
  typeof value?.hex === "string" ? Uint8Array.from(Buffer.from(value.hex, "hex")) : value;

const say = (document) => process.stdout.write(`${JSON.stringify(document, encode)}\n`);

/** The transport of protocol/client.js: pytest is the radio. */
class Pipe {
  async open() {
    await this.#ask("open");
  }
  async write(data) {
    await this.#ask("write", data);
  }
  readInfo() {
    return this.#ask("info");
  }
  readState() {
    return this.#ask("state");
  }
  close() {
    this.#ask("close").catch(() => {});
  }
  async #ask(radio, data = null) {
    say({ radio, data });
    const { data: notifications = [], value, fail } = await new Promise((resolve) => waiting.push(resolve));
    for (const one of notifications) this.onData(one);
    if (fail) {
      this.onClosed();
      throw new Error(fail);
    }
    return value;
  }
}

async function run({ call, script, arguments: given = [] }) {
  if (script) return (0, eval)(script)(load, new Pipe(), ...given);
  const [module, name] = call.split(".");
  return (await load(module))[name](...given);
}

async function answer(document) {
  try {
    say({ result: await run(document) });
  } catch (error) {
    const { name, message, kind, code, details } = error;
    say({ error: { name: error.constructor.name ?? name, message, kind, code, details } });
  }
}

for await (const line of lines) {
  const document = JSON.parse(line, decode);
  if (document.call || document.script) answer(document);
  else waiting.shift()(document);
}
process.exit(0); // timers of an abandoned conversation may still run
