/** The codes of the protocol, by name. lib/ble/codes.py has the same; a test compares them. */

export const CODES = Object.freeze({
  ok: 0,
  in_progress: 1,
  done: 2,
  not_authenticated: 3,
  timeout: 4,
  missing_field: 5,
  wrong_password: 6,
  no_access_point: 7,
  invalid: 8,
  no_address: 9,
  bad_crc: 10,
  busy: 11,
  failed: 12,
  too_large: 13,
  no_cloud: 14,
  cloud_refused: 15,
  not_json: 99,
});

/** Asked to send the same message again. */
export const isAgain = (code) => code === CODES.timeout || code === CODES.bad_crc;

/** What the device may say in clear while a session is due: that it has no session, or could not read a message. */
export const mayComeInClear = (code) => isAgain(code) || code === CODES.not_authenticated || code === CODES.not_json;
