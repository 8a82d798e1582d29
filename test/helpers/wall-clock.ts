/**
 * Preloaded into a server with `--import`: SIGWINCH steps its wall clock, but no other clock, by
 * WALL_CLOCK_STEP_MS.
 */
const { now } = Date;
let offMs = 0;
Date.now = () => now() + offMs;
process.on('SIGWINCH', () => {
  offMs += Number(process.env.WALL_CLOCK_STEP_MS);
});
