/** Whether a switch is on: as an operator has turned it, otherwise its default. */
import { inForce, type Overrides, reasonOf } from './override.ts';
import type { Switch } from './rule.ts';
import { wallText } from './schedules/wall.ts';

export function isOn({ name, on }: Switch, atMs: number, { switches }: Overrides): boolean {
  return inForce(switches, name, atMs)?.on ?? on;
}

/** "main-site is off: turned off by an operator until … (works on the roof)" */
export function switchWords(one: Switch, atMs: number, overrides: Overrides): string {
  const override = inForce(overrides.switches, one.name, atMs);
  const word = (on: boolean) => (on ? 'on' : 'off');
  if (override === undefined) return `${one.name} is ${word(one.on)}, its default`;
  const until = override.untilMs === null ? '' : ` until ${wallText('UTC', override.untilMs)}`;
  const reason = reasonOf(override);
  const said = reason === '' ? '' : ` (${reason})`;
  return `${one.name} is ${word(override.on)}: turned ${word(override.on)} by an operator${until}${said}`;
}
