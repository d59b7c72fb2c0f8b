/**
 * A conversation with one device: stop and wait, acknowledgements, repetitions, time limits.
 *
 *     const client = new Client(transport);
 *     await client.connect();                       // client.info: who it is
 *     await client.authenticate(setupCode);         // or client.goOpen() for a device without encryption
 *     const { details } = await client.request("SCAN");
 *
 * Everything throws Trouble. The transport (transport/web-bluetooth.js, or a test's own):
 *
 *     async open(); async write(bytes); async readInfo(); async readState(); close()
 *     onData(bytes), onState(), onClosed(): set by the client
 */

import { text, utf8 } from "./bytes.js";
import { CODES, isAgain, mayComeInClear } from "./codes.js";
import { CLEAR, LARGEST, Parser, SEALED, chunks, frame } from "./framing.js";
import { Mailbox, pause, within } from "./mailbox.js";
import { message, parseAck, parseValue } from "./messages.js";
import { Forged, Handshake, LARGEST_TEXT, WrongCode } from "./session.js";
import { Trouble } from "./trouble.js";
import { UnsafeKey } from "./x25519.js";

export const PROTOCOL = 1;

// Milliseconds for an answer that has come, and is yet to be opened, when a phone wakes up after the time for it.
const LAST_CHANCE = 500;
const LEAST_CHUNK = 20;
const MOST_CHUNK = 509;
const DAMAGED = Object.freeze({ code: CODES.bad_crc, id: null, pkt: null });

/** Milliseconds. An answer is waited for longer than the 5 s after which the device gives a message up. */
export const TIMING = Object.freeze({
  open: 30000, // to connect and find the characteristics
  write: 10000, // for one write
  answer: 8000, // for the first answer to a message, then it is sent again
  reminder: 15000, // without news while the device is at work, then it is asked again
  work: 60000, // for the final answer
  busy: 1000, // before a busy device is asked again
  tries: 4, // of sending one message
  busyTries: 30,
});
/** Trying each of 8 networks takes the device up to 30 s. */
const WORK = { APPLY: 300000 };

export class Client {
  info = {};
  /** Called with the STATE whenever the device says that it has changed. */
  onState = () => {};

  #transport;
  #timing;
  #parser = new Parser();
  #mail = new Mailbox();
  #session = null;
  #open = false; // the device asks for no session, and the person has agreed
  #closed = true;
  #id = 0;
  #reading = Promise.resolve();
  #turn = Promise.resolve(); // one message at a time

  constructor(transport, timing = TIMING) {
    this.#transport = transport;
    this.#timing = timing;
  }

  get connected() {
    return !this.#closed;
  }

  get ready() {
    return this.connected && (this.#open || this.#session !== null);
  }

  /** Throws Trouble when it takes longer than `limitMs`. */
  async connect(limitMs = this.#timing.open) {
    this.#transport.onData = (bytes) => this.#receive(bytes);
    this.#transport.onState = () => this.#readState();
    this.#transport.onClosed = () => this.#lost();
    await this.#limited(limitMs, this.#transport.open());
    this.#closed = false;
    await this.#readInfo();
  }

  /** HELLO: an encrypted session. Throws Trouble "wrong_code", "locked", "unsafe". */
  async authenticate(setupCode) {
    this.#session = null;
    this.#open = false;
    const handshake = await Handshake.begin(setupCode, String(this.info.name));
    const { details } = await this.request("HELLO", handshake.dat);
    try {
      this.#session = await handshake.finish(details);
    } catch (error) {
      if (error instanceof WrongCode) throw new Trouble("wrong_code", { sentence: error.message });
      if (error instanceof UnsafeKey) throw new Trouble("unsafe", { sentence: "The device's key is unsafe." });
      throw error;
    }
    await this.#readInfo(); // the MTU, and with it the chunk, may have been agreed on meanwhile
  }

  /** Everything in clear: only after the person was told. Throws Trouble "unsafe" when the device can do better. */
  goOpen() {
    if (this.info.security !== "open") throw new Trouble("unsafe", { sentence: "The device wants a setup code." });
    this.#open = true;
  }

  /**
   * The final answer {code, sentence, details} with code 0 or 2. `onWorking` is called when the device is at it.
   * Throws Trouble: "refused" with the device's code, "no_answer", "link_lost".
   */
  request(typ, dat = {}, onWorking = () => {}) {
    const answer = this.#turn.then(() => this.#exchange(typ, dat, onWorking));
    this.#turn = answer.catch(() => {}); // who asked has it; the next message goes on all the same
    return answer;
  }

  async #exchange(typ, dat, onWorking) {
    const deadline = Date.now() + (this.#timing[typ] ?? WORK[typ] ?? this.#timing.work);
    const exchange = { typ, dat, deadline, onWorking, sent: 0, busy: 0, wait: this.#timing.answer };
    this.#number(exchange);
    this.#checkSize(typ, exchange.json);
    this.#mail.empty();
    await this.#send(exchange);
    for (;;) {
      const left = Math.max(deadline - Date.now(), LAST_CHANCE);
      const answer = await this.#mail.take(Math.min(exchange.wait, left));
      const final = await this.#judge(exchange, answer);
      if (final) return final;
    }
  }

  readState() {
    return this.#limited(this.#timing.write, this.#transport.readState()).then(parseValue);
  }

  close() {
    this.#lost();
    this.#transport.close();
  }

  // The final answer, or nothing when the wait goes on.
  async #judge(exchange, answer) {
    const isOurs = answer !== null && (answer.id === exchange.id || answer.id === null); // else to an earlier message
    if (isOurs && (answer.code === CODES.ok || answer.code === CODES.done)) return answer; // also one that waited for us
    if (Date.now() >= exchange.deadline) throw new Trouble("no_answer", { pkt: exchange.typ });
    if (answer === null) return this.#again(exchange, new Trouble("no_answer", { pkt: exchange.typ }));
    if (!isOurs) return;
    if (isAgain(answer.code)) return this.#again(exchange, refused(answer));
    if (answer.code === CODES.busy) return this.#afterPause(exchange, refused(answer));
    if (answer.code !== CODES.in_progress) throw refused(answer);
    exchange.wait = this.#timing.reminder;
    exchange.sent = 1;
    exchange.onWorking();
  }

  async #again(exchange, failure) {
    if (exchange.sent >= this.#timing.tries) throw failure;
    await this.#send(exchange);
  }

  async #afterPause(exchange, failure) {
    if (++exchange.busy > this.#timing.busyTries) throw failure;
    exchange.sent = 1; // it was heard
    await pause(this.#timing.busy);
    await this.#send(exchange);
  }

  #number(exchange) {
    exchange.id = ++this.#id;
    exchange.json = message(exchange.typ, exchange.id, exchange.dat);
  }

  // The same id is sealed anew with the next counter: the device drops an old counter as a replay.
  async #send(exchange) {
    // Each HELLO makes new keys: the answer to the one before, if it still comes, is void.
    if (exchange.typ === "HELLO" && exchange.sent) this.#number(exchange);
    exchange.sent += 1;
    const clear = this.#open || exchange.typ === "HELLO";
    if (!clear && !this.#session) throw new Trouble("link_lost", { sentence: "There is no session." });
    const bytes = clear ? frame(CLEAR, utf8(exchange.json)) : frame(SEALED, await this.#session.seal(exchange.json));
    for (const piece of chunks(bytes, this.#chunk)) {
      if (this.#closed) throw new Trouble("link_lost");
      await this.#limited(this.#timing.write, this.#transport.write(piece));
    }
  }

  get #chunk() {
    const { chunk } = this.info;
    return Number.isInteger(chunk) ? Math.min(Math.max(chunk, LEAST_CHUNK), MOST_CHUNK) : LEAST_CHUNK;
  }

  #checkSize(typ, json) {
    const most = this.#open || typ === "HELLO" ? LARGEST : LARGEST_TEXT;
    const size = utf8(json).length;
    if (size <= most) return;
    throw new Trouble("refused", { code: CODES.too_large, pkt: typ, sentence: `${size} bytes, at most ${most}.` });
  }

  async #readInfo() {
    const info = parseValue(await this.#limited(this.#timing.write, this.#transport.readInfo()));
    if (info.proto !== PROTOCOL || typeof info.name !== "string") {
      throw new Trouble("not_ours", { sentence: `It speaks version ${info.proto ?? "?"} of the protocol.` });
    }
    this.info = info;
  }

  #receive(bytes) {
    for (const found of this.#parser.push(bytes, Date.now())) {
      // One after the other: opening is asynchronous, and counters only grow.
      this.#reading = this.#reading.then(() => this.#read(found));
    }
  }

  async #read(found) {
    if (found.damaged || found.late) return this.#mail.put(DAMAGED);
    const json = found.type === SEALED ? await this.#opened(found.payload) : clearText(found.payload);
    const answer = json === null ? null : parseAck(json);
    if (answer && (found.type === SEALED || this.#believesClear(answer))) this.#mail.put(answer);
  }

  async #opened(payload) {
    try {
      return this.#session ? await this.#session.open(payload) : null;
    } catch (error) {
      // Not from this session: whoever waits for an answer will ask again.
      if (error instanceof Forged || error instanceof TypeError) return null;
      throw error;
    }
  }

  // Anybody can say something in clear; only what does no harm is listened to.
  #believesClear(answer) {
    return this.#open || !this.#session || mayComeInClear(answer.code);
  }

  async #readState() {
    try {
      this.onState(await this.readState());
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      // The link ended meanwhile: onClosed tells whoever waits.
    }
  }

  #lost() {
    if (this.#closed) return; // of the connection before: some browsers tell late
    this.#closed = true;
    this.#session = null;
    this.#mail.fail(new Trouble("link_lost"));
  }

  async #limited(ms, promise) {
    try {
      return await within(ms, promise, new Trouble("no_answer"));
    } catch (error) {
      throw error instanceof Trouble ? error : new Trouble("link_lost", { sentence: error.message });
    }
  }
}

function refused({ code, sentence, details, pkt }) {
  const locked = code === CODES.not_authenticated && details?.retry_s > 0;
  return new Trouble(locked ? "locked" : "refused", { code, sentence, details, pkt });
}

function clearText(payload) {
  try {
    return text(payload);
  } catch {
    return null; // no UTF-8
  }
}
