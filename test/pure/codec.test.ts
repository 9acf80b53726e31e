/** What Temporal stores, encrypted. What would break without it: payloads that nobody can read again, or anybody can. */
import { defaultPayloadConverter } from '@temporalio/common';
import { expect, it } from 'vitest';
import { UnknownKey, createCodec, encryptionKeysSetting, newEncryptionKey } from '../../platform/codec.ts';

const keysOf = (...texts: string[]) => encryptionKeysSetting.parse(texts.join(','));
const [old, fresh] = [newEncryptionKey('old'), newEncryptionKey('fresh')];
const invoice = { name: 'Hosting, November', amountMinor: '120000' };
const payload = defaultPayloadConverter.toPayload(invoice);

it('nothing of a payload can be read without the key, and twice the same is not the same', async () => {
  const codec = createCodec(keysOf(old));
  const [one, two] = await codec.encode([payload, payload]);
  expect(Buffer.from(one?.data ?? []).toString('latin1')).not.toContain('Hosting');
  expect(one?.data).not.toEqual(two?.data);
  const [read] = await codec.decode([one ?? {}]);
  expect(read && defaultPayloadConverter.fromPayload(read)).toEqual(invoice);
});

it('a key that took another’s place encrypts, and the other still decrypts; without it nothing is made up', async () => {
  const before = await createCodec(keysOf(old)).encode([payload]);
  const after = await createCodec(keysOf(fresh, old)).encode([payload]);
  const both = createCodec(keysOf(fresh, old));
  expect(await both.decode([...before, ...after])).toHaveLength(2);
  await expect(createCodec(keysOf(old)).decode(after)).rejects.toThrow(UnknownKey);
  await expect(createCodec(keysOf(fresh)).decode(before)).rejects.toThrow('There is no encryption key old.');
});

it('what is not encrypted passes: histories from before', async () => {
  expect(await createCodec(keysOf(old)).decode([payload, {}])).toEqual([payload, {}]);
});

it('a payload that was changed, or says another key, is refused', async () => {
  const [made] = await createCodec(keysOf(old)).encode([payload]);
  const data = Buffer.from(made?.data ?? []);
  data[20] = (data[20] ?? 0) ^ 1;
  await expect(createCodec(keysOf(old)).decode([{ ...made, data }])).rejects.toThrow('authenticate');
  const renamed = old.replace('old', 'new');
  const metadata = { ...made?.metadata, 'encryption-key-id': Buffer.from('new') };
  await expect(createCodec(keysOf(renamed)).decode([{ ...made, metadata }])).rejects.toThrow('authenticate');
});

it.each([['key'], ['old:short'], [`${old},${old}`], [`${old},`], [`A B:${old.slice(4)}`]])(
  'a setting that is no list of keys is refused: %s',
  (text) => {
    expect(encryptionKeysSetting.safeParse(text).success).toBe(false);
  },
);
