// `gatehouse check-config`: every mistake at once; opens no port and no database.
import type { Command } from './command.ts';
import { loadConfiguration } from './command.ts';

export const checkConfig: Command = async (context) => {
  const { config, file, warnings } = loadConfiguration(context); // mistakes: main prints them and exits with 1
  for (const warning of warnings) context.out(`warning: ${warning}`);
  const providers = config.omniauth.providers.map(({ name }) => name).join(', ') || 'none';
  context.out(
    `${file ?? 'No configuration file; defaults and environment'}: good. ${config.external_url}, sign-in providers: ${providers}`,
  );
  return 0;
};
