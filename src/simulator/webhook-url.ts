/** Addresses that webhooks can be sent to. */
export function isWebhookUrl(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '');
}

/** Refused here, where the caller sees it, and not when the first webhook is sent. */
export function webhookUrls(given: string | string[]): string[] {
  const urls = [given].flat();
  const bad = urls.find((url) => !isWebhookUrl(url));
  if (bad === undefined) return urls;
  throw new TypeError(`simulator: expected http://host:port/path as webhookUrl, got "${bad}"`);
}
