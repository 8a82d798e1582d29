/** Suggests a time zone for what people write instead of its name. */
import { isZone, MINUTE_MS, nextClockChange, offsetMs } from '../../core/rules/schedules/zone.ts';
import { nearest } from '../problem.ts';
import { zoneOfWindowsName } from './windows-zones.ts';

/** "did you mean Europe/London or Asia/Dhaka?" for a name that is not a zone. */
export function zoneHint(name: string): string {
  const abbreviated = Object.hasOwn(ABBREVIATIONS, name.toUpperCase())
    ? ABBREVIATIONS[name.toUpperCase()]
    : undefined;
  if (abbreviated !== undefined)
    return `an abbreviation is not a zone: did you mean ${abbreviated}?`;
  if (/^(?:(?:UTC|GMT)\s*)?[+-]\d{1,2}(?::?\d\d)?$/i.test(name)) {
    return 'an offset has no daylight saving time: name the zone, such as Europe/Dublin';
  }
  const meant = zoneOfWindowsName(name) ?? zoneOfIntl(name) ?? nearestZone(name);
  return meant === null ? 'an IANA name such as Europe/Dublin' : `did you mean ${meant}?`;
}

/**
 * Zones that are seldom meant, because their clocks never change. UTC and GMT are excepted, because
 * their names say so. The sign in Etc/GMT+5 is the opposite of what it seems.
 */
export function fixedZone(zone: string, nowMs: number): { what: string; hint: string } | null {
  const written = zone.toUpperCase();
  const meant = Object.hasOwn(FIXED, written) ? FIXED[written] : undefined;
  if (meant === undefined && !/^(?:ETC\/GMT[+-]\d+|SYSTEMV\/[A-Z]+\d+)$/.test(written)) return null;
  if (Number.isFinite(nextClockChange(zone, nowMs))) return null;
  return {
    what: `${zone} is ${offsetText(offsetMs(zone, nowMs))} all year: it has no daylight saving time`,
    hint: meant ?? 'name the zone, such as America/New_York',
  };
}

const FIXED: Record<string, string> = {
  EST: 'America/New_York has it; if you mean a zone without it, write America/Panama',
  MST: 'America/Denver has it; if you mean a zone without it, write America/Phoenix',
  HST: 'if you mean Hawaii, write Pacific/Honolulu',
};

function offsetText(ms: number): string {
  const minutes = Math.abs(ms) / MINUTE_MS;
  const clock = `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  return minutes === 0 ? 'UTC' : `UTC${ms < 0 ? '-' : '+'}${clock}`;
}

/**
 * Abbreviations are not zones: BST is British or Bangladeshi, and half of them name only the summer
 * time.
 */
const ABBREVIATIONS: Record<string, string> = {
  ACDT: 'Australia/Adelaide',
  ACST: 'Australia/Adelaide or Australia/Darwin',
  ACT: 'Australia/Sydney or America/Rio_Branco',
  ADT: 'America/Halifax',
  AEDT: 'Australia/Sydney',
  AEST: 'Australia/Sydney or Australia/Brisbane',
  AET: 'Australia/Sydney',
  AKDT: 'America/Anchorage',
  AKST: 'America/Anchorage',
  ART: 'America/Argentina/Buenos_Aires',
  AST: 'America/Halifax or America/Puerto_Rico',
  AWST: 'Australia/Perth',
  BRT: 'America/Sao_Paulo',
  BST: 'Europe/London or Asia/Dhaka',
  CAT: 'Africa/Maputo',
  CDT: 'America/Chicago',
  CEST: 'Europe/Berlin',
  CST: 'America/Chicago or Asia/Shanghai',
  CT: 'America/Chicago',
  EAT: 'Africa/Nairobi',
  ECT: 'Europe/Paris or America/Guayaquil',
  EDT: 'America/New_York',
  EEST: 'Europe/Athens',
  ET: 'America/New_York',
  GST: 'Asia/Dubai',
  HKT: 'Asia/Hong_Kong',
  IST: 'Asia/Kolkata, Europe/Dublin or Asia/Jerusalem',
  JST: 'Asia/Tokyo',
  KST: 'Asia/Seoul',
  MDT: 'America/Denver',
  MESZ: 'Europe/Berlin',
  MEZ: 'Europe/Berlin',
  MIT: 'Pacific/Apia',
  MSK: 'Europe/Moscow',
  MT: 'America/Denver',
  NDT: 'America/St_Johns',
  NET: 'Asia/Yerevan',
  NST: 'America/St_Johns',
  NZDT: 'Pacific/Auckland',
  NZST: 'Pacific/Auckland',
  PDT: 'America/Los_Angeles',
  PHT: 'Asia/Manila',
  PKT: 'Asia/Karachi',
  PST: 'America/Los_Angeles',
  PT: 'America/Los_Angeles',
  SAST: 'Africa/Johannesburg',
  SGT: 'Asia/Singapore',
  SST: 'Pacific/Pago_Pago',
  VST: 'Asia/Ho_Chi_Minh',
  WAT: 'Africa/Lagos',
  WEST: 'Europe/Lisbon',
  WIB: 'Asia/Jakarta',
};

/** Intl accepts a few more names than Temporal and knows which zones they mean. */
function zoneOfIntl(name: string): string | null {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return isZone(timeZone) ? timeZone : null;
  } catch {
    return null;
  }
}

function nearestZone(name: string): string | null {
  const known = Intl.supportedValuesOf('timeZone');
  const city = `/${name.toLowerCase().replaceAll(' ', '_')}`;
  return nearest(name, known) ?? known.find((zone) => zone.toLowerCase().endsWith(city)) ?? null;
}
