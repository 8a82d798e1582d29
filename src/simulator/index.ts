/** The Telnyx simulator as a library, for tests in other projects: `telnyx-referee/simulator`. */
export type { BookedRequest, BookedWebhook, CallBook } from './books.ts';
export type { FaultKind, Faults } from './faults.ts';
export type { CallerHangup, CallScript, FarEnd, FarEndName, FarEnds } from './script.ts';
export {
  type Activity,
  createSimulator as simulator,
  type PlacedCall,
  type Simulator,
  type SimulatorOptions,
} from './simulator.ts';
