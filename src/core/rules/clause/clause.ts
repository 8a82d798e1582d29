/**
 * One clause of `when`: its check, and what it expected and got, in words. Each key has its place
 * in the switch; the clauses themselves are beside this file.
 */
import type { Check, Surroundings } from '../match.ts';
import type { Clause } from '../rule.ts';
import { addressClause } from './address.ts';
import {
  anonymousClause,
  attestationClause,
  connectionClause,
  directionClause,
  headerClause,
  oneOf,
  tagsClause,
  whyNoCountry,
} from './facts.ts';
import { perhapsLater } from './lasting.ts';
import { lookupClause, rowClause } from './operator-data.ts';
import { percentClause } from './percent.ts';
import { closedBecauseClause, datesClause, scheduleClause, switchClause } from './time.ts';

export function compileClause(clause: Clause, around: Surroundings): Check {
  switch (clause.key) {
    case 'from':
    case 'to':
      return addressClause(clause.key, clause.values, around);
    case 'direction':
      return directionClause(clause.values);
    case 'connection_id':
      return connectionClause(clause.values);
    case 'caller_type':
      return oneOf(
        'caller_type',
        clause.values,
        ({ facts }) => facts.callerType,
        () => 'not known of this call',
      );
    case 'country': {
      const codes = clause.values.map((code) => code.toUpperCase());
      return oneOf('country', codes, (subject) => subject.country(), whyNoCountry);
    }
    case 'event':
      return perhapsLater(
        oneOf(
          'event',
          clause.values,
          ({ moment }) => moment.event,
          () => 'none',
        ),
      );
    case 'digits':
      return perhapsLater(
        oneOf(
          'digits',
          clause.values,
          ({ moment }) => moment.digits,
          () => 'no key was pressed',
        ),
      );
    case 'tags':
      return tagsClause(clause.values);
    case 'attestation':
      return attestationClause(clause.values);
    case 'anonymous':
      return anonymousClause(clause.value);
    case 'header':
      return headerClause(clause.name, clause.values);
    case 'row':
      return rowClause(clause, around);
    case 'lookup':
      return lookupClause(clause);
    case 'percent':
      return percentClause(clause.value, around.rule);
    case 'schedule':
      return perhapsLater(scheduleClause(clause.values, around));
    case 'closed_because':
      return perhapsLater(closedBecauseClause(clause, around));
    case 'switch':
      return perhapsLater(switchClause(clause.values, around));
    case 'dates':
      return perhapsLater(datesClause(clause));
  }
}
