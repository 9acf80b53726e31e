/** What a secret looks like, whoever's it is: what must stand in no log, trace or history. */
const forms: Readonly<Record<string, RegExp>> = {
  'an API key': /bk_[0-9a-f-]{36}_[\w-]{20,}/,
  'an access token': /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*/,
  'a password in an address': /[a-z]+:\/\/[^\s:@/"'\\]+:[^\s@/"'\\]+@/,
  'a bearer': /Bearer [\w.~+/-]{20,}/,
  'a private key': /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  'an encryption key': /\b[\w-]+:[A-Za-z0-9+/]{43}=/,
};

/** The kinds of secrets that stand in a text, each with where it begins. */
export const secretsIn = (text: string): string[] =>
  Object.entries(forms).flatMap(([what, form]) => {
    const found = form.exec(text);
    return found ? [`${what}: ...${text.slice(Math.max(0, found.index - 120), found.index + 12)}...`] : [];
  });
