import { expect, test } from 'vitest';
import { isZone } from '../../../src/core/rules/schedules/zone.ts';
import { WINDOWS_NAMES, zoneOfWindowsName } from '../../../src/routing/schedules/windows-zones.ts';
import { load, problemsOf, warningsOf } from '../routes-folder.ts';

function withZone(zone: string) {
  return load(`schedules: { o: { zone: ${JSON.stringify(zone)}, open: [ "mon-fri 09:00-17:00" ] } }
rules: [ { name: r, when: { schedule: o }, do: [ hangup ] } ]
otherwise: [ hangup ]`);
}

test.each([
  ['PST', 'an abbreviation is not a zone: did you mean America/Los_Angeles?'],
  ['BST', 'an abbreviation is not a zone: did you mean Europe/London or Asia/Dhaka?'],
  [
    'ist',
    'an abbreviation is not a zone: did you mean Asia/Kolkata, Europe/Dublin or Asia/Jerusalem?',
  ],
  ['ACT', 'an abbreviation is not a zone: did you mean Australia/Sydney or America/Rio_Branco?'],
  ['CEST', 'an abbreviation is not a zone: did you mean Europe/Berlin?'],
  ['+05:00', 'an offset has no daylight saving time: name the zone, such as Europe/Dublin'],
  ['UTC+1', 'an offset has no daylight saving time: name the zone, such as Europe/Dublin'],
  ['Eastern Standard Time', 'did you mean America/New_York?'],
  ['new york', 'did you mean America/New_York?'],
  ['Europe/Berlni', 'did you mean Europe/Berlin?'],
  ['__proto__', 'an IANA name such as Europe/Dublin'],
  ['Z', 'an IANA name such as Europe/Dublin'],
])('the zone %s is a problem at its place', async (zone, hint) => {
  expect(problemsOf(await withZone(zone))).toEqual([
    `1:25 unknown time zone ${JSON.stringify(zone)} (${hint})`,
  ]);
});

test('every name that Intl takes and Temporal refuses is a problem with a zone as its hint', async () => {
  const abbreviations =
    'AET AGT ART AST BET CAT CNT CST CTT EAT ECT IET JST MIT NET NST PLT PNT PRT SST VST';
  for (const zone of abbreviations.split(' ')) {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    const [problem = ''] = problemsOf(await withZone(zone));
    expect(problem).toMatch(/^1:25 unknown time zone .*did you mean [A-Z][a-z]+\/\w+/);
  }
});

test.each([
  'UTC',
  'gmt',
  'Etc/UTC',
  'EST5EDT',
  'US/Pacific',
  'europe/berlin',
  'America/Argentina/Buenos_Aires',
])('the zone %s is fine', async (zone) => {
  const result = await withZone(zone);
  expect([result.ok, ...warningsOf(result)]).toEqual([true]);
});

test.each([
  [
    'EST',
    'UTC-05:00',
    'America/New_York has it; if you mean a zone without it, write America/Panama',
  ],
  [
    'mst',
    'UTC-07:00',
    'America/Denver has it; if you mean a zone without it, write America/Phoenix',
  ],
  ['HST', 'UTC-10:00', 'if you mean Hawaii, write Pacific/Honolulu'],
  ['Etc/GMT+5', 'UTC-05:00', 'name the zone, such as America/New_York'],
])('the zone %s is %s all year, which is a warning', async (zone, offset, hint) => {
  const result = await withZone(zone);
  expect(result.ok).toBe(true);
  expect(warningsOf(result)).toEqual([
    `1:25 ${zone} is ${offset} all year: it has no daylight saving time (${hint})`,
  ]);
});

test('the runtime knows every zone that CLDR gives for a Windows name', () => {
  const unknown = WINDOWS_NAMES.filter((name) => !isZone(zoneOfWindowsName(name) ?? ''));
  expect([WINDOWS_NAMES.length, unknown]).toEqual([139, []]);
});
