/** The Helm chart speaks of settings that there are. What would break without it: a pod that does not start. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig, secretNames, settingNames } from '../../platform/config.ts';
import { projectFolder } from '../../scripts/stack/settings.mjs';

const chart = path.join(projectFolder, 'deploy/helm');
const read = (name: string) => readFileSync(path.join(chart, name), 'utf8');

interface Values {
  settings: Record<string, string>;
  secret?: { name: string; keys: (typeof secretNames)[number][] };
}

it.each(readdirSync(path.join(chart, 'ci')))(
  '%s has settings that there are, and a process starts with them',
  (name) => {
    const { settings, secret } = parse(read(`ci/${name}`)) as Values;
    expect(Object.keys(settings).filter((setting) => !settingNames.includes(setting))).toEqual([]);
    expect(secret?.keys.filter((key) => !secretNames.includes(key))).toEqual([]);
    const secrets = {
      DATABASE_URL: 'postgresql://billing@postgres/billing',
      ENCRYPTION_KEYS: `a:${'A'.repeat(43)}=`,
      KAFKA_SASL_PASSWORD: 'x',
    };
    // Certificates are mounted in the pod only.
    const mounted = Object.fromEntries(
      Object.entries(settings).map(([setting, value]) => [
        setting,
        setting.endsWith('_FILE') ? import.meta.filename : value,
      ]),
    );
    expect(readConfig({ NODE_ENV: 'production', ...mounted, ...secrets }).AUTH).not.toContain('demo');
  },
);

it('each setting that the templates name is one', () => {
  const templates = readdirSync(path.join(chart, 'templates')).map((name) => read(`templates/${name}`));
  const named = templates.flatMap((text) =>
    [...text.matchAll(/name: ([A-Z][A-Z0-9_]+)\b/g)].map(([, name = '']) => name),
  );
  expect(named).toContain('API_PROCESSES');
  expect(named.filter((name) => !settingNames.includes(name))).toEqual([]);
});

it('the version of the chart is that of the package', () => {
  const { version } = JSON.parse(readFileSync(path.join(projectFolder, 'package.json'), 'utf8')) as { version: string };
  expect(parse(read('Chart.yaml'))).toMatchObject({ version, appVersion: version });
});
