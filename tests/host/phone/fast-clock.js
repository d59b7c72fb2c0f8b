/** `hurry(60)`: from now on the page's clock runs 60 times as fast, for timers that begin and for Date. */
(() => {
  const [timeout, interval, now] = [setTimeout, setInterval, Date.now];
  let [speed, real, shown] = [1, now(), now()];
  const current = () => shown + speed * (now() - real);
  globalThis.setTimeout = (call, ms = 0, ...rest) => timeout(call, ms / speed, ...rest);
  globalThis.setInterval = (call, ms = 0, ...rest) => interval(call, ms / speed, ...rest);
  globalThis.hurry = (factor) => ([speed, real, shown] = [factor, now(), current()]);
  Date.now = () => Math.round(current());
})();
