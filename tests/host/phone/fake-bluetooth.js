/**
 * Web Bluetooth for tests: the browser's rules, and pytest as the radio (`radioAsk` is a binding, `radio` its answers).
 *
 * As in Chrome: choosing needs a click; one operation at a time; reading fires characteristicvaluechanged, too; what was
 * found before a disconnection is of no use after it; disconnecting does not end a connect that is under way; a device
 * that is chosen again is the same object.
 * `radio.refusal = [name, message]`: the list is not shown, or closed. `radio.breaks`: so many connections end at once.
 */
(() => {
  const waiting = new Map();
  let lastId = 0;
  let busy = false;
  let device = null;

  const ask = (what, data = "") =>
    new Promise((resolve, reject) => {
      waiting.set(++lastId, { resolve, reject });
      radio.asked.push(what);
      radioAsk(JSON.stringify({ id: lastId, what, data }));
    });
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const view = (digits) => new DataView(Uint8Array.from(digits.match(/../g) ?? [], (two) => parseInt(two, 16)).buffer);
  const networkError = (text) => new DOMException(text, "NetworkError");

  const TX = "15ba8b82-df9a-46dc-865a-177a17ad9035";
  const RX = "20a62cd0-93ba-41e2-96b0-31b1aa131909";
  const STATE = "3a21768b-174a-41bc-8b25-b9c1ebfb7510";
  const INFO = "43c5e37d-b664-4b4a-aa33-032bbaf7133f";
  const READS = { [STATE]: "state", [INFO]: "info" };

  class Characteristic extends EventTarget {
    constructor(uuid, connection) {
      super();
      Object.assign(this, { uuid, connection, value: null, notifying: false });
    }
    async startNotifications() {
      await this.#operate(async () => {
        this.notifying = true;
      });
      return this;
    }
    async writeValueWithResponse(bytes) {
      if (this.uuid !== RX) throw new DOMException("not for writing", "NotSupportedError");
      const copy = hex(bytes);
      await this.#operate(() => ask("write", copy));
    }
    async readValue() {
      const { value } = await this.#operate(() => ask(READS[this.uuid]));
      this.tell(value);
      return this.value;
    }
    tell(digits) {
      this.value = view(digits);
      this.dispatchEvent(new Event("characteristicvaluechanged"));
    }
    async #operate(operation) {
      if (this.connection !== device.connection) throw networkError("GATT Server is disconnected.");
      if (busy) throw networkError("GATT operation already in progress.");
      busy = true;
      try {
        return await operation();
      } finally {
        busy = false;
      }
    }
  }

  class Device extends EventTarget {
    name = "";
    connection = null;
    gatt = { connect: () => this.#connect(), disconnect: () => this.end(), getPrimaryService: async () => this.#service() };

    constructor() {
      super();
      Object.defineProperty(this.gatt, "connected", { get: () => this.connection !== null });
    }

    end() {
      if (!this.connection) return;
      this.connection = null;
      busy = false;
      ask("close");
      this.dispatchEvent(new Event("gattserverdisconnected"));
    }
    notify(uuid, digits) {
      const characteristic = this.connection?.get(uuid);
      if (characteristic?.notifying) characteristic.tell(digits);
    }
    async #connect() {
      await ask("open");
      this.connection = new Map();
      for (const uuid of [TX, RX, STATE, INFO]) this.connection.set(uuid, new Characteristic(uuid, this.connection));
      if (radio.breaks-- > 0) this.end();
      return this.gatt;
    }
    #service() {
      const { connection } = this;
      if (!connection) throw networkError("GATT Server is disconnected. Cannot retrieve services.");
      return { getCharacteristic: async (uuid) => connection.get(uuid) };
    }
  }

  globalThis.radio = {
    refusal: null,
    available: true,
    name: "esp-0a1b2c",
    breaks: 0,
    asked: [],
    answer(id, { data = [], state = [], value, fail }) {
      const { resolve, reject } = waiting.get(id);
      waiting.delete(id);
      for (const one of data) device.notify(TX, one);
      for (const one of state) device.notify(STATE, one);
      if (!fail) return resolve({ value });
      reject(networkError(fail));
      device.end();
    },
    push(digits) {
      device.notify(TX, digits);
    },
    state() {
      device.notify(STATE, "0100");
    },
    cut() {
      device.end();
    },
  };

  const bluetooth = {
    getAvailability: async () => radio.available,
    async requestDevice({ filters }) {
      if (!navigator.userActivation.isActive) throw new DOMException("Must be handling a user gesture", "SecurityError");
      if (!filters?.[0]?.services?.length) throw new TypeError("filters");
      if (radio.refusal) throw new DOMException(radio.refusal[1], radio.refusal[0]);
      if (device?.name !== radio.name) device = new Device();
      device.name = radio.name;
      return device;
    },
  };
  Object.defineProperty(Navigator.prototype, "bluetooth", { get: () => bluetooth, configurable: true });
})();
