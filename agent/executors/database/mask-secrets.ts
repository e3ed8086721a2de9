const MASK = '***';

/**
 * Takes secrets out of a text that a driver or a server wrote, also where they stand encoded as in a URL, in Base64 or in JSON.
 * Not for results: they are what the target sent (design.md §3).
 */
export function maskSecrets(text: string, secrets: readonly string[]): string {
  let masked = text;
  const forms = secrets.flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
    JSON.stringify(secret).slice(1, -1),
  ]);
  // The longest first: one may be a part of another.
  for (const form of [...new Set(forms)].sort((a, b) => b.length - a.length))
    if (form !== '') masked = masked.replaceAll(form, MASK);
  return masked;
}
