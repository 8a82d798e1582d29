// Customers with an account manager reach the manager first, and support if the manager does not answer.
import type { Handler } from 'telnyx-referee';

const MANAGERS: Record<string, { extension: string; weekdays: number[] }> = {
  '+1212555': { extension: 'anna', weekdays: [1, 2, 3, 4, 5] },
  '+44207946': { extension: 'ben', weekdays: [1, 2, 3] },
};

const handler: Handler = (call, context) => {
  if (call.to !== '+14155550100' || call.from === null) return undefined;
  const prefix = Object.keys(MANAGERS).find((start) => call.from?.startsWith(start));
  const manager = prefix === undefined ? undefined : MANAGERS[prefix];
  // Undefined means that this rule does not match: the next rules are tried.
  if (manager === undefined || !manager.weekdays.includes(new Date(context.at).getUTCDay())) {
    return undefined;
  }
  return [
    { refer: `sip:${manager.extension}@pbx-us.example.com`, timeout: '15s' },
    { refer: 'support-us' },
    { say: 'Sorry, nobody can take your call right now.' },
    'hangup',
  ];
};

export default handler;
