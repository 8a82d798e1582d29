/** The call routes of the soak: every kind of step, short limits, and no limiting budget. */

export const NUMBERS = {
  support: '+14155550100',
  pick: '+14155550101',
  office: '+14155550102',
  menu: '+14155550103',
  music: '+14155550104',
  elsewhere: '+14155550105',
  blocked: '+14155550106',
  branches: '+14155550107',
  nobody: '+14155559999',
} as const;

/** The user parts of the targets' addresses, by which the scripts name their far ends. */
export const FAR_ENDS = ['first', 'second', 'third'] as const;

export const OFFICE = '+14155550199';

/**
 * An attempt lasts 6 s: for nearly all calls that is longer than the most delayed webhook (3 s)
 * after the slowest answer of the API (3 s), so that a call's result depends on the seed and seldom
 * on the scheduler.
 */
export const SOAK_ROUTES = `targets:
  first: { sip: "sip:first@pbx.example.com", timeout: 6s }
  second: { sip: "sip:second@pbx.example.com", timeout: 6s, user_to_user: "{call_session_id}" }
  third: { sip: "sip:third@pbx.example.com", timeout: 6s, headers: { X-Queue: soak } }
policy:
  patience: 25s
  while_moving: { say: "Please hold." }
  refers: { per_call: 5, per_hour: 100000, per_caller_per_hour: 100000 }
  transfers: { per_call: 2, per_hour: 100000, per_caller_per_hour: 100000 }
rules:
  - name: support
    when: { to: "${NUMBERS.support}" }
    do: [ { refer: first }, { refer: second }, { refer: third }, { say: "Sorry." }, hangup ]
  - name: pick
    when: { to: "${NUMBERS.pick}" }
    do: [ { refer: { pick: { first: 3, second: 1 } } } ]
  - name: office
    when: { to: "${NUMBERS.office}" }
    do: [ { transfer: "${OFFICE}" }, { refer: second } ]
  - name: menu
    when: { to: "${NUMBERS.menu}" }
    do:
      - menu: { say: "Press 1 or 2.", digits: { "1": [ { refer: first } ], "2": [ { refer: second } ] }, tries: 2, timeout: 2s }
      - { refer: third }
  - name: music
    when: { to: "${NUMBERS.music}" }
    do: [ { play: "https://media.example.com/hello.mp3" }, { refer: first } ]
  - name: elsewhere
    when: { to: "${NUMBERS.elsewhere}" }
    do: [ ignore ]
  - name: blocked
    when: { to: "${NUMBERS.blocked}" }
    do: [ { reject: busy } ]
  - name: branches
    when: { to: "${NUMBERS.branches}" }
    do:
      - refer: first
        if_failed: { busy: [ { say: "Busy." }, hangup ], no_verdict: [ { refer: second } ], any: [ { refer: third }, continue ] }
      - transfer: "${OFFICE}"
otherwise: [ { reject: declined } ]
last_resort: [ { say: "We cannot connect you." }, hangup ]
`;
