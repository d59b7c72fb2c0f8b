/** What can go wrong between phone and device, in one shape for whoever tells a person. */

/**
 * `kind`: "refused" (the device answered `code`), "wrong_code", "locked" (`details.retry_s` to wait), "no_answer",
 * "link_lost", "lost_trying" (one of both while the device tries the settings), "unsafe" (no encryption, or a dishonest
 * key), "not_ours" (a device that speaks another protocol).
 */
export class Trouble extends Error {
  constructor(kind, { code = null, sentence = "", details = {}, pkt = null } = {}) {
    super(sentence || kind);
    this.kind = kind;
    this.code = code;
    this.sentence = sentence;
    this.details = details;
    this.pkt = pkt;
  }
}
