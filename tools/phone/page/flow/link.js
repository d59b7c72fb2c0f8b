/** The device that was chosen, and the conversation with it: made again when it broke, without choosing again. */

import { Client } from "../protocol/client.js";
import { accessPoints, lastFailure } from "../protocol/messages.js";
import { timeNow } from "../protocol/configuration.js";
import { parse } from "../protocol/setup-code.js";
import { Trouble } from "../protocol/trouble.js";

export class Link {
  /** Called with STATE whenever it changes. */
  onState = () => {};
  /** While the device tries the settings, which it does to the end whether we are there or not. */
  isTrying = false;
  /** Called with "connect", "code", "look" when that step begins. */
  onStep = () => {};

  #transport;
  #client = null;
  #timing;
  #told = new Set(); // names of the networks that the device was told in this connection

  constructor(transport, timing) {
    this.#transport = transport;
    this.#timing = timing;
  }

  get info() {
    return this.#client?.info ?? {};
  }

  get name() {
    return this.info.name ?? this.#transport.name;
  }

  get ready() {
    return this.#client?.ready ?? false;
  }

  /** Who is there; nothing was told to it yet. Throws Trouble, at the latest after `limitMs`. */
  async reach(limitMs) {
    if (this.#client?.connected) return;
    this.onStep("connect");
    const client = new Client(this.#transport, this.#timing);
    client.onState = (state) => this.onState(state);
    this.#told.clear();
    this.#client = client; // from now on `close` ends it: a person may cancel while it connects
    try {
      await client.connect(limitMs);
    } catch (error) {
      if (client === this.#client) client.close(); // else another has the transport by now
      throw error;
    }
  }

  /**
   * A session, as far as there is none. `mayBeOpen`: the person was told that nothing is encrypted. `networks`: those
   * that are meant. The device would try others, too, which it was told before: it forgets them with the connection.
   */
  async secure(typedCode, mayBeOpen, networks = null) {
    const isMeant = (name) => networks.some(({ ssid }) => ssid === name);
    if (networks && ![...this.#told].every(isMeant)) this.close();
    await this.reach();
    if (this.ready) return;
    this.onStep("code");
    if (this.info.security === "open") {
      if (!mayBeOpen) throw new Trouble("open");
      this.#client.goOpen();
    } else {
      const { bytes, problem } = parse(typedCode);
      if (!bytes) throw new Trouble("code_missing", { sentence: problem });
      await this.#client.authenticate(bytes);
    }
    // The phone's clock may be wrong: the device asks a time server anyway.
    await orElse(null, this.#client.request("TIME", timeNow()));
  }

  /**
   * {status, failure, aps}: what the device is, how its last attempt ended, the networks it sees. What it does not tell
   * is left out: a network can be typed as well.
   */
  async look() {
    this.onStep("look");
    const { details: status } = await orElse({ details: {} }, this.#client.request("STS"));
    const failure = lastFailure(await this.#client.readState()) ?? lastFailure(status);
    return { status, failure, aps: await orElse([], this.scan()) };
  }

  async scan() {
    return accessPoints((await this.#client.request("SCAN")).details);
  }

  async request(typ, dat, onWorking) {
    for (const { ssid } of dat?.networks ?? []) this.#told.add(ssid);
    this.isTrying = typ === "APPLY";
    try {
      return await this.#client.request(typ, dat, onWorking);
    } finally {
      this.isTrying = false;
    }
  }

  readState() {
    return this.#client.readState();
  }

  close() {
    this.#client?.close();
    this.#client = null;
  }
}

// What the device refuses to tell is `instead`; that it is gone is told all the same.
async function orElse(instead, promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Trouble && error.kind === "refused") return instead;
    throw error;
  }
}
