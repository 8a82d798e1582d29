import { describe, expect, test } from 'vitest';
import { type Files, load, problemsOf, warningsOf } from './routes-folder.ts';

const OTHERWISE = '\notherwise: [ hangup ]\n';
const TARGET = '\ntargets: { desk: { sip: "sip:desk@pbx.example.com" } }\n';
const rule = (when: string, steps = '[ hangup ]') =>
  `rules: [ { name: a, when: ${when}, do: ${steps} } ]${OTHERWISE}`;

/** A title, the file, and every problem that it must give: place, message, hint. */
const YAML_TRAPS: [string, string, string[]][] = [
  [
    'a number that YAML would take for an integer',
    rule('{ to: +14155550100 }'),
    [
      '1:33 "to" must be text; YAML reads "+14155550100" as a number (write it in quotes: "+14155550100")',
    ],
  ],
  [
    'a connection id that would be rounded',
    rule('{ connection_id: 1494404757140276705 }'),
    [
      '1:44 "connection_id" must be text; YAML reads "1494404757140276705" as a number (write it in quotes: "1494404757140276705")',
    ],
  ],
  [
    'digits of a menu that are no text',
    'otherwise: [ { menu: { say: hi, digits: { 1: [ hangup ] } } } ]',
    ['1:43 a key of "digits" must be text, "1" is a number (write it in quotes: "1")'],
  ],
  [
    'a spoken text that a # cuts off',
    'otherwise:\n  - say: Press #1 for sales\n  - hangup',
    [
      '2:16 # starts a comment here, so "say" ends before it (put the text into quotes, "Press #1 for sales", or the comment on a separate line)',
    ],
  ],
  [
    'a spoken text that a # on its next line cuts off',
    'otherwise:\n  - say: Press\n      #1 for sales\n  - hangup',
    [
      '3:7 # starts a comment here, so "say" ends before it (put the text into quotes, "Press #1 for sales", or the comment on a separate line)',
    ],
  ],
  [
    'a spoken text with quotation marks that a # cuts off',
    'otherwise:\n  - say: Press "star" or   #1 for "us"\n  - hangup',
    [
      '2:28 # starts a comment here, so "say" ends before it (put the text into quotes, "Press \\"star\\" or #1 for \\"us\\"", or the comment on a separate line)',
    ],
  ],
  [
    'a spoken text that is nothing but a comment',
    'otherwise:\n  - say: #1 is here\n',
    [
      '2:10 "say" has no value (# starts a comment; write it in quotes if you mean it: "#1 is here")',
    ],
  ],
  [
    'a # that takes a bracket with it',
    `rules:\n  - name: a\n    when: { event: call.dtmf.received, digits: #1 }\n    do: [ hangup ]${OTHERWISE}`,
    [
      '3:48 not valid YAML: # starts a comment here, and the bracket before it is never closed (put a text with # into quotes; a comment in brackets needs the rest on a later line)',
    ],
  ],
  [
    'a # behind a text that takes a bracket with it, and empty lines below',
    `rules:\n  - name: a\n    do: [ { say: Press #1 }, hangup ]\n\n${OTHERWISE}`,
    [
      '3:24 not valid YAML: # starts a comment here, and the bracket before it is never closed (put a text with # into quotes; a comment in brackets needs the rest on a later line)',
    ],
  ],
  [
    'a text that begins with a dash',
    'otherwise:\n  - say: - Hello\n  - hangup',
    [
      '2:10 not valid YAML: Unexpected block-seq-ind on same line with key (put a text that begins with "- " into quotes; a list begins on its own line)',
    ],
  ],
  [
    'a text that begins with @',
    'otherwise:\n  - say: @home\n  - hangup',
    [
      '2:10 not valid YAML: Plain value cannot start with reserved character @ (put the text into quotes)',
    ],
  ],
  [
    'placeholders without quotes',
    `targets: { a: { sip: "sip:a@b.example", headers: { X-A: {header:X-B} } } }\nrules:\n  - name: a\n    do:\n      - say: {from}\n      - refer: a${OTHERWISE}`,
    [
      '1:57 "X-A" must be a header value, not a map (write it in quotes: "{header:X-B}")',
      '5:14 "say" must be a text to speak or a map, not a map (write it in quotes: "{from}")',
    ],
  ],
  [
    'a key of a menu that is an alias, which YAML finds odd as well',
    'otherwise:\n  - menu:\n      say: hi\n      digits:\n        *: [ hangup ]\n        "1": [ hangup ]',
    [
      '5:9 an alias (*name) is not allowed (write the value out; a text that starts with * needs quotes: "*")',
    ],
  ],
  [
    'a colon in a text within brackets',
    'otherwise: [ { say: Press 1: sales }, hangup ]',
    [
      '1:21 not valid YAML: Block collections are not allowed within flow collections (put a text that contains ": " or begins with "- " into quotes)',
    ],
  ],
  [
    'a text that is a tag',
    'otherwise:\n  - say: !hello\n  - hangup',
    ['2:10 a tag (!name) is not allowed (remove it; quote a text that starts with !)'],
  ],
  [
    'a text that is an anchor',
    'otherwise:\n  - say: &hello\n  - hangup',
    [
      '2:10 an anchor (&name) is not allowed (write the value out where it is needed; quote a text that starts with &)',
    ],
  ],
  [
    'a line after a quote that stands alone',
    'targets:\n  a: { sip: "a", headers: { X-Token: K}" } }\nrules: []\n',
    [
      `2:40 not valid YAML: Unexpected double-quoted-scalar at node end (put the whole text into quotes; a quotation mark in it is written \\" between "…", and twice between '…')`,
      '4:1 not valid YAML: Flow map in block collection must be sufficiently indented and end with a } (close the bracket in the lines before it, or check the indentation)',
    ],
  ],
  [
    'an alias where a number was meant',
    rule('{ to: *555 }'),
    [
      '1:33 an alias (*name) is not allowed (write the value out; a text that starts with * needs quotes: "*555")',
    ],
  ],
  [
    'an anchor',
    'otherwise: &a [ hangup ]',
    [
      '1:12 an anchor (&name) is not allowed (write the value out where it is needed; quote a text that starts with &)',
    ],
  ],
  [
    'a tag',
    'otherwise: [ !!str hangup ]',
    ['1:14 a tag (!name) is not allowed (remove it; quote a text that starts with !)'],
  ],
  [
    'a merge key',
    `rules: [ { name: x, <<: { a: 1 }, do: [ hangup ] } ]${OTHERWISE}`,
    ['1:21 a merge key (<<) is not allowed (write the values directly)'],
  ],
  [
    'a directive',
    '%YAML 1.1\n---\notherwise: [ hangup ]',
    ['1:1 a directive (%) is not allowed (remove the line)'],
  ],
  [
    'a second document',
    'otherwise: [ hangup ]\n---\nrules: []',
    ['2:1 a second document (---) in one file (put it into a file of its own)'],
  ],
  [
    'nothing where a value is due',
    `rules:${OTHERWISE}`,
    ['1:7 "rules" has no value (write a value, or remove the key)'],
  ],
  [
    'a key that stands twice',
    'otherwise: [ hangup ]\notherwise: [ ignore ]',
    ['2:1 "otherwise" appears twice in the file (keep one of them)'],
  ],
  [
    'a tab that indents',
    `rules:\n\t- name: a${OTHERWISE}`,
    ['2:1 not valid YAML: Tabs are not allowed as indentation (indent with spaces)'],
  ],
  [
    'a merge conflict',
    `rules:\n<<<<<<< HEAD\n  - name: a\n=======\n  - name: b\n>>>>>>> main\n    do: [ hangup ]${OTHERWISE}`,
    [
      '2:1 a merge conflict is not resolved (keep one of the two sides, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>)',
    ],
  ],
  ['a NUL', 'otherwise: [ hang\0up ]', ['1:18 a control character (0x00) (remove it)']],
  [
    'a control character by escape',
    'otherwise: [ { say: "a\\u0007b" } ]',
    ['1:21 "say" contains a control character (remove it)'],
  ],
  [
    'half a number',
    rule('{ percent: 0x10 }'),
    ['1:38 "percent" must be a number, not "0x10" (for example 10)'],
  ],
  [
    'a number with an exponent',
    `policy: { refers: { per_call: 1e3 } }${OTHERWISE}`,
    ['1:31 "per_call" must be a number, not "1e3" (only digits, from 0 to 1000)'],
  ],
  [
    'a quotation mark that is not closed',
    'otherwise: [ { say: "hi } ]\n',
    [
      '2:1 not valid YAML: Missing closing "quote (close the quotation mark or bracket, or write : after the key)',
    ],
  ],
  ['a negative share', rule('{ percent: -5 }'), ['1:38 "percent" must be from 0 to 100, not -5']],
  [
    'words for off, which are nearer to on',
    `switches: { a: no, b: of, c: yes, d: auto, e: 1 }${OTHERWISE}`,
    [
      '1:16 "a" cannot be "no" (write off)',
      '1:23 "b" cannot be "of" (write off)',
      '1:30 "c" cannot be "yes" (write on)',
      '1:38 "d" cannot be "auto" (known: on, off)',
      '1:47 "e" must be text; YAML reads "1" as a number (known: on, off)',
    ],
  ],
  [
    'a map and a list where another kind is due',
    `switches: { a: [] }\ntargets: { a: { sip: "sip:a@b.example", auth: { username: {}, password: [] } } }\nnumbers: { abc: d }\nlookups: { a: { url: [], keep: [ "$.a" ] } }${OTHERWISE}`,
    [
      '1:16 "a" must be on, off, true or false, not a list',
      `2:59 "username" must be a user name, not a map (for example "\${PBX_USER}")`,
      `2:73 "password" must be a reference, because secrets do not belong in a file, not a list (for example "\${PBX_PASSWORD}")`,
      '3:12 "abc" is not an E.164 number (for example "+14155550100")',
      '4:22 "url" must be an https address, not a list (for example "https://crm.example.com/who?n={from}")',
    ],
  ],
  [
    'a list where a step or a way is due',
    `targets: { a: { sip: "sip:a@b.example", via: {} } }\notherwise: [ [ hangup ] ]`,
    [
      '1:46 "via" must be refer, transfer or a list, not a map (for example [refer, transfer])',
      '2:14 a step must be hangup, ignore, continue or a map, not a list',
    ],
  ],
  [
    'passwords in addresses, which no problem repeats',
    `policy: { allow: [ "sip:u:hunter2@b.example", "+" ] }\ntargets: { a: { sip: "sip:u:hunter2@b.example" } }\notherwise: [ { play: "http://u:hunter2@b.example/a" }, { transfer: "sip:sip:u@b.example" } ]\nnumbers: { "sip:u:hunter2${'x'.repeat(60)}@b.example": a }`,
    [
      '1:20 "sip:u:…@b.example": the user part may contain only RFC 3261 user characters and * (for example "sip:*@*.example.com" or "+1*")',
      '1:47 "+": a number pattern is + and digits, then perhaps * (for example "sip:*@*.example.com" or "+1*")',
      '2:22 "sip:u:…@b.example": a password in a SIP URI is not supported (for example "sip:{to_user}@pbx.example.com")',
      '3:22 "play" must be an address of a recording, not "http://u:…@b.example/a" (for example "https://media.example.com/welcome.mp3")',
      '3:68 "sip:sip:u@b.example": the scheme sip: appears twice (write "sip:u@b.example")',
      '4:12 "sip:u:…" is not an E.164 number (for example "+14155550100")',
    ],
  ],
  [
    'placeholders in addresses, whose colon begins no password',
    `policy: { allow: [ "sip:*@b.example" ] }\ntargets: { a: { sip: "sip:x@{header:X-Ext}.b.example" } }\notherwise: [ { transfer: "sip:{header:X-Ext}@-b.example" }, { refer: "sip:{header:X-Ext}:hunter2@b.example" } ]`,
    [
      '2:22 the placeholder {header:X-Ext} is only allowed in the user part, before the @ (for example "sip:{to_user}@pbx.example.com")',
      '3:26 "sip:{header:X-Ext}@-b.example": the host "-b.example" is neither a host name nor an IP address',
      '3:70 "sip:{header:X-Ext}:…@b.example": a password in a SIP URI is not supported',
    ],
  ],
  [
    'a guarantee with nothing but a name',
    `guarantees: [ { name: a } ]${OTHERWISE}`,
    [
      '1:15 the guarantee "a" has no condition (write for example wait: 120s; also silence, moves, never_ends, always_hears)',
    ],
  ],
  [
    'a word for true',
    rule('{ anonymous: yes }'),
    ['1:40 "anonymous" must be true or false, not text (write true or false, without quotes)'],
  ],
  [
    'a comma in plain text of a flow list',
    'otherwise: [ { say: Sorry, nobody is here } ]',
    ['1:28 unknown key "nobody is here" in a step (known: say, voice, language)'],
  ],
];

const WORDS: [string, string, string[]][] = [
  [
    'a key of the file',
    `ruls: []${OTHERWISE}`,
    ['1:1 unknown key "ruls" in the file (did you mean rules?)'],
  ],
  [
    'a key of when',
    rule('{ form: "+14155550100", not: { shedule: x } }'),
    [
      '1:29 unknown key "form" in "when" (did you mean from?)',
      '1:58 unknown key "shedule" in "not" (did you mean schedule?)',
      '1:67 unknown schedule "x" (write it under schedules:)',
    ],
  ],
  [
    'a step',
    'otherwise: [ { refr: x } ]',
    [
      '1:16 a step has none of the keys refer, transfer, say, play, menu, run, reject (did you mean refer?)',
      '1:22 unknown target "x" (write it under targets:)',
    ],
  ],
  [
    'a required key',
    'targets: { a: { sipp: "sip:a@b.example" } }\notherwise: [ { refer: a } ]',
    ['1:17 unknown key "sipp" in "a" (did you mean sip?)'],
  ],
  [
    'a bare step with a value',
    'otherwise: [ { hangup: true } ]',
    [
      '1:16 a step has none of the keys refer, transfer, say, play, menu, run, reject (write it alone: hangup)',
    ],
  ],
  [
    'a list where not has one condition',
    rule('{ not: [ { from: "+1*" } ] }'),
    ['1:34 "not" must be a map, not a list (a list goes into any: or all:)'],
  ],
  [
    'a list where if_failed has a branch for each verdict',
    `${TARGET}otherwise: [ { refer: desk, if_failed: [ hangup ] } ]`,
    ['3:40 "if_failed" must be a map, not a list (write keys with values, such as busy: …)'],
  ],
  [
    'a menu and labels without keys: those that the hints show are in quotes',
    'otherwise: [ { menu: { say: x, digits: {} } }, hangup ]\nnumbers: [ hangup ]',
    [
      '1:40 "digits" is empty (write keys with values, such as "1": …)',
      '2:10 "numbers" must be a map, not a list (write keys with values, such as "+14155550100": …)',
    ],
  ],
  [
    'a space within a SIP URI: its beginning is not what is meant',
    `${TARGET}otherwise: [ { refer: "sip:a b@pbx.example.com" }, { refer: "sip:a@pbx .example.com" } ]`,
    [
      '3:23 "sip:a b@pbx.example.com": the user part "a b" has characters that need percent-encoding',
      '3:61 "sip:a@pbx .example.com": the host "pbx .example.com" is neither a host name nor an IP address',
    ],
  ],
  [
    'two ways to keep the caller waiting',
    `policy: { while_moving: { say: x, play: "https://x.example/a.mp3" } }${OTHERWISE}`,
    ['1:35 "while_moving" has both say and play (keep one of them)'],
  ],
  [
    'a step of one word',
    'otherwise: [ hangpu ]',
    ['1:14 a step cannot be "hangpu" (did you mean hangup?)'],
  ],
  [
    'a step that lacks its value',
    'otherwise: [ reject ]',
    ['1:14 a step "reject" needs a value (write it as { reject: … }; for example "busy")'],
  ],
  [
    'two steps in one',
    `${TARGET}otherwise: [ { refer: desk, say: hi } ]`,
    ['3:29 a step has both refer and say (write say as a separate item, after "- ")'],
  ],
  [
    'one step where a list is due',
    'otherwise: { reject: busy }',
    ['1:1 "otherwise" must be a list, not a map (write it as a list: [ … ])'],
  ],
  [
    'a verdict',
    `${TARGET}otherwise: [ { refer: desk, if_failed: { bsuy: [ hangup ] } } ]`,
    ['3:42 unknown key "bsuy" in "if_failed" (did you mean busy?)'],
  ],
  [
    'a target',
    `${TARGET}otherwise: [ { refer: dsk } ]`,
    ['3:23 unknown target "dsk" (did you mean desk?)'],
  ],
  [
    'a list',
    `lists: { vip: [ "+14155550101" ] }\n${rule('{ from: "list:vpi" }')}`,
    ['2:35 unknown list "vpi" (did you mean vip?)'],
  ],
  [
    'a list without list:',
    `lists: { vip: [ "+14155550101" ] }\n${rule('{ from: vip }')}`,
    ['2:35 "vip" is the name of a list (write "list:vip")'],
  ],
  [
    'a zone',
    `schedules: { o: { zone: Europe/Dubln, open: [ "mon 09:00-10:00" ] } }${OTHERWISE}`,
    ['1:25 unknown time zone "Europe/Dubln" (did you mean Europe/Dublin?)'],
  ],
  [
    'a day',
    `schedules: { o: { zone: UTC, open: [ "mno 09:00-10:00" ] } }${OTHERWISE}`,
    ['1:38 unknown day "mno" (did you mean mon?)'],
  ],
  [
    'a country',
    rule('{ country: [ UK, us ] }'),
    [
      '1:40 unknown country "UK" (did you mean GB?)',
      '1:44 "us" is not an ISO country code (did you mean US?)',
    ],
  ],
  [
    'a place of a template',
    `targets: { a: { sip: "sip:{foo}@x.example" } }${OTHERWISE}`,
    [
      '1:22 {foo} is not a placeholder; known: {from} {to} {from_user} {to_user} {call_session_id} {header:X-Name} {row:column} {lookup:name.field} (for example "sip:{to_user}@pbx.example.com")',
    ],
  ],
];

const MEANING: [string, string, string[]][] = [
  [
    'no otherwise',
    'rules: []',
    [
      '1:1 no otherwise: what happens to a call that no rule matches? (write for example otherwise: [ { reject: declined } ])',
    ],
  ],
  [
    'no otherwise in an empty file',
    '# nothing\n',
    [
      '1:1 no otherwise: what happens to a call that no rule matches? (write for example otherwise: [ { reject: declined } ])',
    ],
  ],
  [
    'a step after hangup',
    'otherwise: [ hangup, { say: hi } ]',
    ['1:22 say after hangup never runs (remove it, or put it before hangup)'],
  ],
  [
    'continue without an outer list',
    'otherwise: [ continue ]',
    [
      '1:14 continue is outside a branch, so there is no list to return to (use it at the end of a branch of if_failed or digits)',
    ],
  ],
  [
    'continue before the end of its branch',
    `${TARGET}otherwise: [ { refer: desk, if_failed: { any: [ continue, hangup ] } } ]`,
    ['3:49 continue is not at the end of its branch (move it to the end)'],
  ],
  [
    'a last resort that moves the caller',
    `${TARGET}last_resort: [ { refer: desk } ]${OTHERWISE}`,
    [
      '3:16 last_resort cannot refer: every step has already failed (only say, play, reject, hangup)',
    ],
  ],
  [
    'digits on the first event',
    rule('{ digits: "1" }'),
    [
      '1:29 digits without event: call.dtmf.received never matches (add event: call.dtmf.received; digits of a menu belong in the step menu)',
    ],
  ],
  [
    'a REFER to a number',
    'otherwise: [ { refer: "+14155550100" } ]',
    [
      '1:23 refer needs a target or a SIP URI, not "+14155550100" (use transfer for a number: "+14155550100", or a SIP URI: "sip:+14155550100@…")',
    ],
  ],
  [
    'a recording over http',
    'otherwise: [ { play: "http://x.example/a.mp3" } ]',
    [
      '1:22 "play" must be an address of a recording, not "http://x.example/a.mp3" (for example "https://media.example.com/welcome.mp3")',
    ],
  ],
  [
    'a share over a hundred',
    rule('{ percent: 101 }'),
    ['1:38 "percent" must be from 0 to 100, not 101'],
  ],
  [
    'a password in the file',
    'targets: { a: { sip: "sip:a@b.example", auth: { username: u, password: hunter2 } } }\notherwise: [ { refer: a } ]',
    [
      `1:72 "password" must be a reference, because secrets do not belong in a file (for example "\${PBX_PASSWORD}")`,
    ],
  ],
  [
    'a password of digits in the file',
    'targets: { a: { sip: "sip:a@b.example", auth: { username: u, password: 4711 } } }\notherwise: [ { refer: a } ]',
    [`1:72 "password" must be text; YAML reads it as a number (for example "\${PBX_PASSWORD}")`],
  ],
  [
    'a secret that is not set',
    `targets: { a: { sip: "sip:a@b.example", auth: { username: u, password: "\${PBX_PW}" } } }\notherwise: [ { refer: a } ]`,
    [
      '1:72 the variable PBX_PW is not set (set PBX_PW in the environment of the server and of check)',
    ],
  ],
  [
    'a secret where none belongs',
    `targets: { a: { sip: "sip:\${PBX}@b.example" } }\notherwise: [ { refer: a } ]`,
    [
      `1:22 \${…} is only allowed in username and password of a target (a placeholder is written {from}, without $)`,
    ],
  ],
  [
    'a template that policy never allows',
    `policy: { allow: [ "sip:*@*.example.com" ] }\ntargets: { a: { sip: "sip:{from}@evil.example" } }\notherwise: [ { refer: a } ]`,
    [
      '2:22 "sip:{…}@evil.example" can never be reached: policy.allow allows sip:*@*.example.com (change the destination or policy.allow)',
    ],
  ],
  [
    'a place in the host',
    `targets: { a: { sip: "sip:a@{from}" } }${OTHERWISE}`,
    [
      '1:22 the placeholder {from} is only allowed in the user part, before the @ (for example "sip:{to_user}@pbx.example.com")',
    ],
  ],
  [
    'a date that is none',
    `schedules: { o: { zone: UTC, open: [ "mon 09:00-10:00" ], closed: [ "2026-02-30" ] } }${OTHERWISE}`,
    ['1:69 "2026-02-30" is not a date that exists (yyyy-mm-dd, or mm-dd)'],
  ],
  [
    'a rule without anything to do',
    `rules: [ { name: a } ]${OTHERWISE}`,
    [
      '1:10 the rule "a" has neither do nor handler (write for example do: [ { reject: declined } ])',
    ],
  ],
  [
    'a rule with the name that stands for no rule',
    `rules: [ { name: otherwise, do: [ hangup ] } ]${OTHERWISE}`,
    ['1:18 a rule cannot be named otherwise (otherwise is what runs if no rule matches)'],
  ],
  [
    'a header that SIP writes itself',
    'targets: { a: { sip: "sip:a@b.example", headers: { Via: x } } }\notherwise: [ { refer: a } ]',
    ['1:52 Via is a header of SIP itself (use a name of your own, such as X-Queue)'],
  ],
  [
    'a condition that never holds',
    rule('{ not: {} }'),
    ['1:34 "not" is empty (for example not: { anonymous: true })'],
  ],
  [
    'a secret that is empty',
    `targets: { a: { sip: "sip:a@b.example", auth: { username: u, password: "\${PBX_EMPTY}" } } }\notherwise: [ { refer: a } ]`,
    [
      '1:72 the variable PBX_EMPTY is empty (set PBX_EMPTY in the environment of the server and of check)',
    ],
  ],
  [
    'a telephone number as a target',
    'targets: { a: { sip: "tel:+14155550100" } }\notherwise: [ { refer: a } ]',
    [
      '1:22 "tel:+14155550100" is not a SIP URI (use the step transfer for a number: "+14155550100")',
    ],
  ],
  [
    'an example on a day that is none',
    `examples: [ { name: e, call: { to: "+14155550100", at: "2026-02-30T15:00:00Z" }, expect: { rule: otherwise } } ]${OTHERWISE}`,
    [
      '1:56 "2026-02-30T15:00:00Z" is not an ISO 8601 time such as 2026-03-02T15:00:00Z (that day or time does not exist)',
    ],
  ],
  [
    'an example at a time without a zone',
    `examples: [ { name: e, call: { to: "+14155550100", at: "2026-03-02T15:00" }, expect: { rule: otherwise } } ]${OTHERWISE}`,
    [
      '1:56 "2026-03-02T15:00" is not an ISO 8601 time such as 2026-03-02T15:00:00Z (its zone is missing: write 2026-03-02T15:00Z for UTC, or 2026-03-02T15:00-05:00)',
    ],
  ],
  [
    'a withheld number by name',
    rule('{ from: anonymous }'),
    [
      '1:35 "anonymous" stands for a withheld number (use anonymous: true, which knows all its forms)',
    ],
  ],
];

describe.each([
  ['a value that YAML changes in silence', YAML_TRAPS],
  ['a word nobody knows', WORDS],
  ['a route that makes no sense', MEANING],
])('%s is a problem at its place', (_group, cases) => {
  test.each(cases)('%s', async (_what, text, expected) => {
    const env = { PBX_EMPTY: '' };
    expect(problemsOf(await load({ 'main.yaml': text }, { env }))).toEqual(expected);
  });
});

describe('a set of several files', () => {
  test('all problems of all files come at once, by file and place', async () => {
    const files: Files = {
      'b.yaml': 'targets: { x: { sip: 5 } }\notherwise: [ hangpu ]',
      'a.yaml': 'rules: [ { name: r, do: [ { refer: nobody } ] } ]\n: :',
      'c.yml': '',
    };
    expect(problemsOf(await load(files)).map((p) => p.split(' ')[0])).toEqual([
      'a.yaml:2:3',
      'b.yaml:1:22',
      'b.yaml:2:14',
      'c.yml:1:1',
    ]);
  });

  test('policy, otherwise, last_resort and each name stand once', async () => {
    const result = await load({
      'a.yaml':
        'otherwise: [ hangup ]\npolicy: { patience: 3s }\ntargets: { t: { sip: "sip:a@b.example" } }\nrules: [ { name: x, do: [ { refer: t } ] } ]',
      'b.yaml':
        'otherwise: [ hangup ]\npolicy: { patience: 3s }\ntargets: { t: { sip: "sip:a@b.example" } }\nrules: [ { name: x, do: [ hangup ] } ]',
    });
    expect(problemsOf(result)).toEqual([
      'b.yaml:1:1 otherwise is already defined in a.yaml:1 (it may be defined only once in the set)',
      'b.yaml:2:1 policy is already defined in a.yaml:2 (it may be defined only once in the set)',
      'b.yaml:3:12 the target "t" is already defined in a.yaml:3 (each name may be defined only once in the set)',
      'b.yaml:4:18 a rule "x" is already defined in a.yaml:4 (each name may be defined only once in the set)',
    ]);
  });

  test('files are read in byte order and dot names are skipped', async () => {
    const result = await load({
      'b.yaml': 'otherwise: [ hangup ]',
      'B.yaml': 'rules: [ { name: r, do: [ ignore ] } ]',
      '.x.yaml': 'nonsense',
    });
    expect(result.ok && result.set.files).toEqual(['B.yaml', 'b.yaml']);
  });

  test('the hash changes with any file that counts, and only with those', async () => {
    const main =
      'lists: { b: { file: lists/b.txt } }\nrules: [ { name: r, when: { from: "list:b" }, do: [ hangup ] } ]\notherwise: [ hangup ]';
    const hash = async (files: Files) => {
      const result = await load({ 'main.yaml': main, 'lists/b.txt': '+1900*', ...files });
      return result.ok ? result.set.hash : problemsOf(result);
    };
    const before = await hash({});
    expect(await hash({ 'README.md': 'x', '.git/config': 'y' })).toBe(before);
    expect(await hash({ 'lists/b.txt': '+1900* ' })).not.toBe(before);
    expect(await hash({ 'handlers/unused.ts': '' })).not.toBe(before);
    expect(before).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('what is allowed', () => {
  test.each([
    ['a byte order mark', '\ufeffotherwise: [ hangup ]'],
    [
      'carriage returns before line feeds',
      'rules:\r\n  - name: a\r\n    do: [ hangup ]\r\notherwise: [ hangup ]\r\n',
    ],
    ['one document start', '---\notherwise: [ hangup ]\n'],
    [
      'a comment after a plain text that is not spoken',
      'schedules: { o: { zone: UTC, open: [ "mon 09:00-10:00" ] } } # c\nrules:\n  - name: a # c\n    when: { schedule: o } # c\n    do: [ hangup ]\notherwise: [ hangup ]',
    ],
    ['a comment between spoken steps', 'otherwise:\n  - say: Press one\n  # and then\n  - hangup'],
  ])('%s', async (_what, text) => {
    expect(problemsOf(await load(text))).toEqual([]);
  });
});

describe('warnings', () => {
  test.each([
    [
      'what no rule uses',
      `${TARGET}lists: { l: [ "+1900*" ] }\nschedules: { s: { zone: UTC, open: [ "mon 09:00-10:00" ] } }${OTHERWISE}`,
      [
        '2:12 the target "desk" is not used by any rule (remove it, or use it)',
        '3:10 the list "l" is not used by any rule (remove it, or use it)',
        '4:14 the schedule "s" is not used by any rule (remove it, or use it)',
      ],
    ],
    [
      'limits that a narrower one never reaches',
      'policy: { patience: 60s, via: { pstn: refer }, refers: { per_call: 9, per_caller_per_hour: 3, per_hour: 100 }, transfers: { per_call: 1, per_hour: 0 } }\nflows: { f: [ { refer: "sip:a@pbx.example.com", timeout: 61s } ] }\notherwise: [ { transfer: "+14155550199", timeout: 5m }, { refer: "sip:a@pbx.example.com", timeout: 60s }, { run: f }, { run: f }, hangup ]',
      [
        '1:68 per_call: 9 is never reached: per_caller_per_hour is 3 (lower it, or raise the other)',
        '1:135 per_call: 1 is never reached: per_hour is 0 (lower it, or raise the other)',
        '2:15 the timeout of this refer (61 s) is never reached: patience ends all moving steps after 60 s (a shorter timeout, or a longer patience in policy)',
        '3:14 the timeout of this transfer (300 s) is never reached: patience ends all moving steps after 60 s (a shorter timeout, or a longer patience in policy)',
      ],
    ],
    [
      'a schedule that never opens',
      `schedules: { o: { zone: UTC, open: [ "mon 09:00-10:00" ], closed: [${Array.from({ length: 12 }, (_, m) => Array.from({ length: [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][m] ?? 0 }, (_x, d) => `"${String(m + 1).padStart(2, '0')}-${String(d + 1).padStart(2, '0')}"`).join(',')).join(',')}] } }\n${rule('{ schedule: o }')}`,
      [
        '1:14 the schedule "o" never opens: its closed times cover its opening hours (rules that use it never match)',
      ],
    ],
    [
      'schedules whose opening hours are all in the past',
      `schedules: { o: { zone: UTC, open: [], special: [ "2026-03-01 09:00-10:00", "12-24 closed" ] }, n: { zone: UTC, open: [], closed: [ "12-24" ] } }\n${rule('{ schedule: [ o, n ] }')}`,
      [
        '1:14 the schedule "o" never opens: its opening hours are over (rules that use it never match)',
        '1:97 the schedule "n" never opens: it has no opening hours (rules that use it never match)',
      ],
    ],
    [
      'several keys for one event',
      rule('{ event: call.dtmf.received, digits: [ "0", "12" ] }'),
      [
        '1:71 digits "12" never match: Telnyx sends an event for each key (name one key, or ask with the step menu)',
      ],
    ],
    [
      'an entry twice',
      `lists: { l: [ "+1900*", "+1900*" ] }\n${rule('{ from: "list:l" }')}`,
      ['1:25 "+1900*" appears twice in the list l (remove one)'],
    ],
  ])('%s', async (_what, text, expected) => {
    const result = await load(text);
    expect(problemsOf(result)).toEqual([]);
    expect(warningsOf(result)).toEqual(expected);
  });
});

const NBSP = '\u00a0';
/**
 * Characters that no keyboard types, and destinations as people write them: the hint shows what is
 * meant.
 */
const MEANT: [string, string, string[]][] = [
  [
    'an en dash in hours and dates',
    `schedules: { o: { zone: UTC, open: [ "mon–fri 09:00–17:00", "sat 9:00 - 12:00" ], closed: [ "2026–12–25" ] } }${OTHERWISE}`,
    [
      '1:38 "mon–fri 09:00–17:00" contains an en dash (U+2013) (write "mon-fri 09:00-17:00")',
      '1:61 "sat 9:00 - 12:00" is not days and times (write "sat 9:00-12:00")',
      '1:93 "2026–12–25" contains an en dash (U+2013) (write "2026-12-25")',
    ],
  ],
  [
    'the whole name of a day',
    `schedules: { o: { zone: UTC, open: [ "monday 09:00-10:00" ] } }${OTHERWISE}`,
    ['1:38 unknown day "monday" (did you mean mon?)'],
  ],
  [
    'spaces in durations',
    `targets: { a: { sip: "sip:a@x.example", timeout: "30${NBSP}s" }, b: { sip: "sip:b@x.example", timeout: "2 M" } }${OTHERWISE}`,
    [
      `1:50 "timeout" must be a duration, not "30${NBSP}s" (did you mean 30s? It is written with a no-break space (U+00A0))`,
      '1:98 "timeout" must be a duration, not "2 M" (did you mean 2m?)',
    ],
  ],
  [
    'a no-break space after a colon',
    `targets: { a: { sip: "sip:a@x.example", timeout:${NBSP}30s } }${OTHERWISE}`,
    [
      `1:41 unknown key "timeout:${NBSP}30s" in "a" (there is a no-break space (U+00A0) after "timeout:": write an ordinary space there)`,
    ],
  ],
  [
    'a no-break space after a key whose value is on the next lines',
    `rules:${NBSP}\n  - name: a\n    do: [ hangup ]${OTHERWISE}`,
    [
      '1:1 not valid YAML: Implicit keys need to be on a single line (there is a no-break space (U+00A0) after "rules:": write an ordinary space there)',
    ],
  ],
  [
    'a no-break space before a map in brackets',
    `rules:\n  - name: a\n    when:${NBSP}{ to: "+14155550100" }\n    do: [ hangup ]${OTHERWISE}`,
    [
      '3:32 not valid YAML: Unexpected flow-map-end token in YAML stream: "}" (there is a no-break space (U+00A0) after "when:": write an ordinary space there)',
    ],
  ],
  [
    'a no-break space after a dash',
    `rules:\n  -${NBSP}name: a\n    do: [ hangup ]${OTHERWISE}`,
    [
      '2:11 not valid YAML: Nested mappings are not allowed in compact mappings (there is a no-break space (U+00A0) after "-": write an ordinary space there)',
    ],
  ],
  [
    'a no-break space in the indentation',
    `rules:\n  - name: a\n  ${NBSP} do: [ hangup ]${OTHERWISE}`,
    [
      '3:1 not valid YAML: All mapping items must start at the same column (there is a no-break space (U+00A0) at the beginning of the line: write an ordinary space there)',
    ],
  ],
  [
    'a no-break space after the only key',
    `otherwise:${NBSP}[ hangup ]\n`,
    [
      '1:1 the file must be a map, not text (there is a no-break space (U+00A0) after "otherwise:": write an ordinary space there)',
    ],
  ],
  [
    'a file that is nothing but null',
    'null\n',
    ['1:1 the file has no value (write keys with values, such as targets: …)'],
  ],
  [
    'null in the place of a map and of a list',
    'policy: ~\nrules: null\notherwise: [ hangup ]\n',
    [
      '1:9 "policy" has no value (write keys with values, such as voice: …)',
      '2:8 "rules" has no value (write at least one, or remove the key)',
    ],
  ],
  [
    'a name that looks like another',
    'targets: { desk-a: { sip: "sip:a@x.example" } }\notherwise: [ { refer: desk‑a } ]',
    [
      '2:23 unknown target "desk‑a" (did you mean desk-a? Here it is written with a no-break hyphen (U+2011))',
    ],
  ],
  [
    'a name that cannot be one',
    `targets: { "desk${NBSP}a": { sip: "sip:a@x.example" } }${OTHERWISE}`,
    [
      `1:12 "desk${NBSP}a" is not a name of a target (did you mean desk a? It is written with a no-break space (U+00A0))`,
    ],
  ],
  [
    'a name with characters that names do not have',
    `targets: { "vertrieb süd": { sip: "sip:a@x.example" } }${OTHERWISE}`,
    [
      '1:12 "vertrieb süd" is not a name of a target (use only letters A to Z, digits, spaces and . _ / - (64 characters, the first no sign), for example "support-us")',
    ],
  ],
  [
    'numbers to transfer to',
    `otherwise:\n  - transfer: "+44 (0)20 7946 0958"\n  - transfer: "+44 20 7946 0958"\n  - transfer: "+4402079460958"\n  - transfer: "4155550100"\n  - { transfer: "+14155550199", from: "+44 020 7946 0958" }\n  - transfer: "+100"`,
    [
      '2:15 "+44 (0)20 7946 0958" is neither a SIP URI (sip:user@host) nor an E.164 number (+14155550100) (write "+442079460958")',
      '3:15 "+44 20 7946 0958" is neither a SIP URI (sip:user@host) nor an E.164 number (+14155550100) (write "+442079460958")',
      '4:15 "+4402079460958" contains the trunk prefix that is only dialled within the country (write "+442079460958")',
      '5:15 "4155550100" is neither a SIP URI (sip:user@host) nor an E.164 number (+14155550100) (write + and the country code before it)',
      '6:39 from needs a number or a SIP URI, not "+44 020 7946 0958" (write "+442079460958")',
      '7:15 "+100" is neither a SIP URI (sip:user@host) nor an E.164 number (+14155550100)',
    ],
  ],
  [
    'numbers that are too short',
    `rules: [ { name: r, when: { to: ["+1", "+1415"] }, do: [hangup] } ]\notherwise: [ hangup ]`,
    [
      '1:34 "+1" has one digit, too few for a number (a prefix ends in *: "+1*")',
      '1:40 "+1415" has 4 digits, too few for a number (a prefix ends in *: "+1415*")',
    ],
  ],
  [
    'numbers to refer to',
    `targets: { a: { sip: "+44 (0)20 7946 0958" }, b: { sip: "4155550100" } }\notherwise: [ { refer: "+44 (0)20 7946 0958" } ]`,
    [
      '1:22 "+44 (0)20 7946 0958" is not a SIP URI (use the step transfer for a number: "+442079460958")',
      '1:57 "4155550100" is not a SIP URI (use the step transfer for a number)',
      '2:23 refer needs a target or a SIP URI, not "+44 (0)20 7946 0958" (use transfer for a number: "+442079460958", or a SIP URI: "sip:+442079460958@…")',
    ],
  ],
  [
    'URIs as a From header has them',
    `targets: { a: { sip: "sip:<sip:a@x.example>" } }\npolicy: { allow: [ "sip:<sip:*@x.example>", "+44 (0)20*" ] }\notherwise: [ { refer: "<sip:a@x.example>" }, { refer: "sip:sip:a@x.example" }, { transfer: "sip://a@x.example" } ]`,
    [
      '1:22 "sip:<sip:a@x.example>": the scheme sip: appears twice (write "sip:a@x.example")',
      '2:20 "sip:<sip:*@x.example>": the user part may contain only RFC 3261 user characters and * (write "sip:*@x.example")',
      '2:45 "+44 (0)20*": a number pattern is + and digits, then perhaps * (write "+4420*")',
      '3:23 refer needs a target or a SIP URI, not "<sip:a@x.example>" (write "sip:a@x.example")',
      '3:55 "sip:sip:a@x.example": the scheme sip: appears twice (write "sip:a@x.example")',
      '3:92 "sip://a@x.example": a SIP URI has no // after its scheme (write "sip:a@x.example")',
    ],
  ],
  [
    'languages that Telnyx does not speak',
    `policy: { language: de }\notherwise: [ { say: hi, language: de-AT }, { say: hi, language: en-us }, { say: hi, language: zh-CN }, { menu: { say: hi, digits: { "1": [ hangup ] }, language: no-NO } } ]`,
    [
      '1:21 "language" cannot be "de" (did you mean de-DE?)',
      '2:35 "language" cannot be "de-AT" (did you mean de-DE?)',
      '2:65 "language" cannot be "en-us" (did you mean en-US?)',
      '2:95 "language" cannot be "zh-CN" (did you mean cmn-CN?)',
      '2:162 "language" cannot be "no-NO" (did you mean nb-NO?)',
    ],
  ],
  [
    'a menu that leaves no key to end the input',
    `otherwise:\n  - menu:\n      say: hi\n      digits:\n${[...'1234567890*#'].map((key) => `        "${key}": [ hangup ]\n`).join('')}`,
    [
      '16:9 "#" cannot be a choice: the menu uses all twelve keys, and one must end the input (leave one key unused)',
    ],
  ],
  [
    'a parameter that no pattern names',
    `policy: { allow: [ "sip:*@x.example" ] }\ntargets: { a: { sip: "sip:{to_user}@x.example;transport=tls" } }${OTHERWISE}`,
    [
      '2:22 "sip:{…}@x.example;transport=tls" can never be reached: policy.allow allows sip:*@x.example (add "sip:*@x.example;transport=tls" to policy.allow, or change the destination)',
    ],
  ],
];

test.each(MEANT)('%s: the hint shows what is meant', async (_what, text, expected) => {
  expect(problemsOf(await load(text))).toEqual(expected);
});

test('a hint that lists what is known lists all of it', async () => {
  const [key] = problemsOf(await load(rule('{ zzzzzzzzzzzz: 1 }')));
  expect(key).toMatch(
    /\(known: all, any, not, from, to, .*, percent, tags, event, digits, lookup\)$/,
  );
  const names = Array.from({ length: 40 }, (_, i) => `desk-number-${i}`);
  const targets = names.map((name) => `${name}: { sip: "sip:a@x.example" }`).join(', ');
  const [target] = problemsOf(await load(`targets: { ${targets} }\notherwise: [ { refer: zz } ]`));
  expect(target).toContain(`(known: ${names.join(', ')})`);
  const [language] = problemsOf(await load('otherwise: [ { say: hi, language: fi-FI } ]'));
  expect(language).toContain('known: arb, cmn-CN, cy-GB, da-DK, de-DE, en-AU');
  expect(language).toContain('sv-SE, tr-TR. A voice that speaks another language needs none');
});

test('a menu of eleven keys, # among them, and a language of the list are good', async () => {
  const digits = [...'1234567890#'].map((key) => `"${key}": [ hangup ]`).join(', ');
  const text = `otherwise: [ { menu: { say: hi, language: en-GB-WLS, digits: { ${digits} } } } ]`;
  expect(problemsOf(await load(text))).toEqual([]);
});

test('a destination that allow names with its transport is good', async () => {
  const text = `policy: { allow: [ "sip:*@x.example;transport=tls", "sip:*@x.example;secure=srtp" ] }
targets: { a: { sip: "sip:{to_user}@x.example;transport=tls" }, b: { sip: "sip:{to_user}@x.example;secure=srtp" } }
otherwise: [ { refer: a }, { refer: b } ]`;
  expect(problemsOf(await load(text))).toEqual([]);
});

test.each([
  [
    'hours',
    {
      'main.yaml': `schedules: { o: { zone: UTC, open: [ "mno 09:00-10:00" ] } }\n${rule('{ schedule: o }')}`,
    },
  ],
  ['numbers', { 'main.yaml': `lists: { l: [ "+1x" ] }\n${rule('{ from: "list:l" }')}` }],
  [
    'code',
    {
      'main.yaml': `rules: [ { name: a, handler: handlers/h.ts }, { name: b, do: [ hangup ] } ]${OTHERWISE}`,
      'handlers/h.ts': 'export default 5',
    },
  ],
])('%s that could not be read give no warning of their own', async (_what, files) => {
  const result = await load(files as Files);
  expect(problemsOf(result)).toHaveLength(1);
  expect(warningsOf(result)).toEqual([]);
});
