/** The addresses, ports and data folder of each lane's servers, by the names of the environment. */
export const lanes = JSON.parse(process.env['TEST_LANES'] ?? '[]') as Record<string, string>[];
