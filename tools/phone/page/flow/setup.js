/**
 * The way through the page: it knows the protocol and what comes after what; the view only shows and asks.
 *
 *     new Setup({ view, choose, isAvailable, obstacle }).start(location.hash)
 */

import { CODES } from "../protocol/codes.js";
import { Credentials } from "../protocol/credentials.js";
import { emptyDraft } from "../protocol/configuration.js";
import { fromLink, grouped, parse } from "../protocol/setup-code.js";
import { Trouble } from "../protocol/trouble.js";
import * as limits from "../protocol/limits.js";
import { Desk } from "./desk.js";
import { Link } from "./link.js";
import { deliver, named, summary } from "./delivery.js";
import { watch } from "./watch.js";

export class Setup {
  #view;
  #environment;
  #link = null;
  #run = 0; // counts what was begun: what an abandoned attempt still has to say is not heard
  #code = "";
  #codeFromLink = false;
  #openAgreed = false;
  #draft = emptyDraft();
  #desk = new Desk(new Credentials());
  #seen = { status: {}, failure: null, aps: [] };
  #refused = null; // the network whose password the device could not use

  /**
   * `environment`: {choose(): {transport}, or {obstacle} as `find` names it; isAvailable(), obstacle: why this browser cannot, or null; timing,
   * watchTiming: a test's own}.
   */
  constructor(view, environment) {
    this.#view = view;
    this.#environment = environment;
  }

  start(hash) {
    this.#code = fromLink(hash);
    this.#codeFromLink = this.#code !== "";
    if (this.#environment.obstacle) return this.#view.show("unsupported", { obstacle: this.#environment.obstacle });
    this.#find();
  }

  /** Another label's link was opened where this page already is. */
  scanned(hash) {
    if (fromLink(hash) && !this.#link) this.start(hash);
  }

  /** True when leaving the page would lose what was typed. */
  get hasWork() {
    return this.#draft.networks.length > 0 || !this.#desk.isEmpty;
  }

  // Finding and connecting

  #find(note = null) {
    this.#view.show("find", {
      code: this.#code,
      codeFromLink: this.#codeFromLink,
      device: this.#link?.name ?? null,
      note,
      group: grouped,
      check: (typed) => parse(typed).problem ?? "",
      onOther: () => this.#startOver(),
      onFind: (typed) => this.#choose(typed),
    });
  }

  async #choose(typed) {
    if (typed !== this.#code) this.#codeFromLink = false;
    this.#code = typed;
    if (this.#link) return this.#connect();
    if (!(await this.#environment.isAvailable())) return this.#find("bluetooth_off");
    const { transport, obstacle } = await this.#environment.choose();
    if (!transport) return this.#find(obstacle);
    this.#link = new Link(transport, this.#environment.timing);
    this.#connect();
  }

  async #connect() {
    const run = ++this.#run;
    const steps = this.#view.show("connecting", { name: this.#link.name, onCancel: () => this.#startOver() });
    this.#link.onStep = (step) => run === this.#run && steps.begin(step);
    try {
      await this.#link.secure(this.#code, this.#openAgreed);
      const seen = await this.#link.look();
      if (run !== this.#run) return;
      this.#seen = seen;
      this.#view.device(this.#link.name);
      if (seen.status.thing) this.#draft.identity = "keep";
      this.#wifi();
    } catch (error) {
      if (run === this.#run) this.#connectFailed(error);
    }
  }

  #connectFailed(error) {
    if (!(error instanceof Trouble)) return this.#bug(error);
    if (error.kind === "open") return this.#askOpen();
    if (error.kind === "code_missing") return this.#find("code_missing");
    this.#trouble(error);
  }

  #askOpen() {
    this.#view.show("open", {
      name: this.#link.name,
      onBack: () => this.#startOver(),
      onContinue: () => {
        this.#openAgreed = true;
        this.#connect();
      },
    });
  }

  #startOver() {
    this.#run++;
    this.#link?.close();
    this.#link = null;
    this.#openAgreed = false;
    this.#view.device("");
    this.#find();
  }

  // What the device is to know

  #wifi() {
    this.#view.show("wifi", {
      aps: this.#seen.aps,
      networks: this.#draft.networks,
      failure: this.#seen.failure,
      refused: this.#refused,
      most: limits.MAX_NETWORKS,
      checks: limits,
      onScan: () => this.#scan(),
      onAdd: (network) => this.#addNetwork(network),
      onRemove: (ssid) => this.#removeNetwork(ssid),
      onGo: (where) => this.#go(where),
      onNext: () => this.#cloud(),
    });
  }

  async #scan() {
    const run = ++this.#run;
    try {
      await this.#link.secure(this.#code, this.#openAgreed);
      const aps = await this.#link.scan();
      if (run !== this.#run) return null;
      this.#seen = { ...this.#seen, aps };
      return aps;
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      if (run === this.#run) this.#trouble(error);
      return null;
    }
  }

  #addNetwork(network) {
    if (network.ssid === this.#refused) this.#refused = null;
    const others = this.#draft.networks.filter(({ ssid }) => ssid !== network.ssid);
    this.#draft.networks = [...others, network].slice(-limits.MAX_NETWORKS);
    return this.#draft.networks;
  }

  #removeNetwork(ssid) {
    this.#draft.networks = this.#draft.networks.filter((network) => network.ssid !== ssid);
    return this.#draft.networks;
  }

  #cloud() {
    this.#run++; // a scan that is not waited for must not take away what is typed here
    this.#view.show("cloud", {
      aws: this.#draft.aws,
      identity: this.#draft.identity,
      thing: this.#seen.status.thing ?? "",
      checks: limits,
      onBack: (typed) => Object.assign(this.#draft, typed) && this.#wifi(),
      onNext: (typed) => {
        Object.assign(this.#draft, typed);
        if (typed.identity === "keep") this.#review();
        else this.#certificates();
      },
    });
  }

  async #certificates() {
    this.#view.show("certificates", {
      ...(await this.#desk.look()),
      identity: this.#draft.identity,
      onFiles: (files) => this.#desk.put(files),
      onPaste: (text) => this.#desk.paste(text),
      onRemove: (id) => this.#desk.remove(id),
      onBack: () => this.#cloud(),
      onNext: () => this.#review(),
    });
  }

  #review() {
    this.#view.show("review", {
      summary: summary(this.#draft, this.#desk.usable(this.#draft)),
      onEdit: (where) => this.#go(where),
      onBack: () => (this.#draft.identity === "keep" ? this.#cloud() : this.#certificates()),
      onSend: () => this.#send(),
    });
  }

  // Telling it

  async #send() {
    const run = ++this.#run;
    const heard = () => run === this.#run;
    const onCancel = () => {
      this.#run++;
      if (this.#link.isTrying) return this.#watch([], false); // it goes on all the same
      this.#link.close();
      this.#review();
    };
    const progress = this.#view.show("sending", { summary: summary(this.#draft, this.#desk.usable(this.#draft)), onCancel });
    this.#link.onStep = () => {};
    this.#link.onState = (state) => heard() && progress.state(state);
    const begin = (label) => heard() && progress.begin(label);
    try {
      begin("session");
      await this.#link.secure(this.#code, this.#openAgreed, this.#draft.networks);
      const warnings = await deliver(this.#link, this.#draft, this.#desk.usable(this.#draft), begin);
      if (heard()) this.#watch(warnings, true);
    } catch (error) {
      if (!heard()) return;
      if (!(error instanceof Trouble)) return this.#bug(error);
      if (error.kind === "lost_trying") this.#watch([], false);
      else this.#trouble(error);
    }
  }

  /** `isSaved`: the device said so; else the connection was lost while it tried. */
  async #watch(warnings, isSaved) {
    const run = ++this.#run;
    const name = this.#link.name;
    const networks = this.#draft.networks.map(({ ssid }) => ssid);
    this.#link.close();
    const done = (watched) => this.#done({ name, watched, warnings, isSaved });
    const shown = this.#view.show("saved", { name, networks, warnings, isSaved, onDone: () => done(false) });
    const { outcome, failure } = await watch(this.#link, {
      timing: this.#environment.watchTiming,
      onTick: (left, total) => run === this.#run && shown.tick(left, total),
      stopped: () => run !== this.#run,
    });
    if (run !== this.#run) return;
    if (outcome === "online") done(true);
    else if (!failure && !isSaved) this.#trouble(new Trouble("link_lost"));
    else this.#trouble(new Trouble("came_back", { code: failure?.code ?? null, sentence: failure?.sentence ?? "" }));
  }

  #done(outcome) {
    this.#run++;
    this.#forget();
    this.#view.show("done", { ...outcome, onAnother: () => this.#startOver() });
  }

  // Nothing secret outlives its use.
  #forget() {
    this.#link?.close();
    this.#link = null;
    this.#code = "";
    this.#codeFromLink = false;
    this.#draft = emptyDraft();
    this.#refused = null;
    this.#desk.clear();
    this.#view.device("");
  }

  // Ways on

  #trouble({ kind, code, sentence, details, pkt }) {
    this.#refused = code === CODES.wrong_password ? named(this.#draft.networks, sentence) : null;
    if (["link_lost", "no_answer", "wrong_code", "locked"].includes(kind)) this.#link?.close();
    const retryS = details?.retry_s ?? 0;
    this.#view.show("trouble", { kind, code, sentence, pkt, retryS, onGo: (where) => this.#go(where) });
  }

  #bug(error) {
    this.#view.show("trouble", { kind: "bug", sentence: String(error), onGo: (where) => this.#go(where) });
    throw error;
  }

  #go(where) {
    const ways = {
      again: () => (this.hasWork || this.#draft.aws.endpoint ? this.#review() : this.#connect()),
      code: () => this.#find(),
      find: () => this.#startOver(),
      wifi: () => this.#wifi(),
      cloud: () => this.#cloud(),
      certificates: () => this.#certificates(),
    };
    (ways[where] ?? ways.find)();
  }
}
