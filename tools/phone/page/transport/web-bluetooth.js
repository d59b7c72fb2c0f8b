/** The transport of protocol/client.js over Web Bluetooth. */

import { INFO, RX, SERVICE, STATE, TX } from "../protocol/service.js";

// What Chrome says, in a NotFoundError, too, when it is not the person who closed the list.
const NOT_ALLOWED = /permission|disabled/i;

/** Let the person choose in the browser's own list, after a click: {transport}, or {obstacle}: why there is none. */
export async function choose(bluetooth = navigator.bluetooth) {
  try {
    return { transport: new WebBluetooth(await bluetooth.requestDevice({ filters: [{ services: [SERVICE] }] })) };
  } catch (error) {
    const { name = "", message = String(error) } = error ?? {}; // not every browser throws errors
    const isClosed = /cancel/i.test(message) || (name === "NotFoundError" && !NOT_ALLOWED.test(message));
    return { obstacle: isClosed ? "none_chosen" : "not_allowed" };
  }
}

/** Whether there is a Bluetooth radio and it is switched on; true where the browser does not say. */
export async function isAvailable(bluetooth = navigator.bluetooth) {
  return bluetooth.getAvailability ? await bluetooth.getAvailability() : true;
}

const MOST_OPENS = 3;

// Device -> who has it open, or opens it. A browser does not give up a connect that is under way: when it ends and
// nobody wants it any more, the device must be let go, for it talks to one phone at a time.
const openers = new WeakMap();

export class WebBluetooth {
  onData = () => {};
  onState = () => {};
  onClosed = () => {};

  #device;
  #opener = null;
  #found = {}; // characteristics
  #last = Promise.resolve(); // a browser refuses an operation while another one is under way

  constructor(device) {
    this.#device = device;
    // Some browsers tell it late, when the device is connected again.
    device.addEventListener("gattserverdisconnected", () => device.gatt.connected || this.onClosed());
  }

  get name() {
    return this.#device.name ?? "";
  }

  /** A connection that ends meanwhile is made again: the end of the one before it may come late. */
  async open() {
    for (let tries = MOST_OPENS; ; ) {
      const server = await this.#connect();
      try {
        return await this.#find(server);
      } catch (error) {
        if (this.#device.gatt.connected || openers.get(this.#device) !== this.#opener || --tries === 0) throw error;
      }
    }
  }

  async #find(server) {
    this.#last = Promise.resolve();
    const service = await server.getPrimaryService(SERVICE);
    for (const uuid of [TX, RX, STATE, INFO]) this.#found[uuid] = await service.getCharacteristic(uuid);
    await this.#listen(TX, (bytes) => this.onData(bytes));
    // The same event comes for a value that was read; a notification of STATE has two bytes.
    await this.#listen(STATE, (bytes) => bytes.length === 2 && this.onState(bytes));
  }

  write(bytes) {
    return this.#inTurn(() => this.#found[RX].writeValueWithResponse(bytes));
  }

  readInfo() {
    return this.#read(INFO);
  }

  readState() {
    return this.#read(STATE);
  }

  close() {
    if (openers.has(this.#device) && openers.get(this.#device) !== this.#opener) return; // it is another's now
    openers.delete(this.#device);
    this.#device.gatt.disconnect();
  }

  async #connect() {
    const opener = (this.#opener = {});
    openers.set(this.#device, opener);
    const server = await this.#device.gatt.connect();
    if (openers.get(this.#device) === opener) return server;
    if (!openers.has(this.#device)) this.#device.gatt.disconnect();
    throw new DOMException("The connection is not wanted any more.", "AbortError");
  }

  async #listen(uuid, tell) {
    const characteristic = this.#found[uuid];
    // The characteristic is a new object after each connection, so no listener of an old one is left on it.
    characteristic.addEventListener("characteristicvaluechanged", ({ target }) => tell(bytesOf(target.value)));
    await characteristic.startNotifications();
  }

  async #read(uuid) {
    return bytesOf(await this.#inTurn(() => this.#found[uuid].readValue()));
  }

  #inTurn(operation) {
    const result = this.#last.then(operation);
    this.#last = result.catch(() => {}); // the caller has it; the next operation goes on all the same
    return result;
  }
}

// A copy: the browser reuses the view.
const bytesOf = (view) => new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
