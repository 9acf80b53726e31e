/**
 * Loaded before a process of the service: its clock jumps by CLOCK_JUMP_MS, CLOCK_JUMP_AFTER_MS after the start, as
 * a clock does that is set right. Timers go on, as they do there.
 */
const { CLOCK_JUMP_MS = '0', CLOCK_JUMP_AFTER_MS = '0' } = process.env;
const RealDate = Date;
const jumpsAt = RealDate.now() + Number(CLOCK_JUMP_AFTER_MS);
const now = () => {
  const real = RealDate.now();
  return real < jumpsAt ? real : real + Number(CLOCK_JUMP_MS);
};

globalThis.Date = class extends RealDate {
  constructor(...time) {
    super(...(time.length === 0 ? [now()] : time));
  }

  static now() {
    return now();
  }
};
