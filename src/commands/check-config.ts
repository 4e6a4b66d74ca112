// `gatehouse check-config`: every mistake at once; opens no port and no database.
import type { LoadedConfig } from '../config/load.ts';
import { ConfigError } from '../config/load.ts';
import type { Command, CommandContext } from './command.ts';
import { loadConfiguration } from './command.ts';

export const checkConfig: Command = async (context) => {
  const warn = (warnings: string[]) => warnings.forEach((warning) => context.out(`warning: ${warning}`));
  const { config, file, warnings } = load(context, warn);
  warn(warnings);
  const providers = config.omniauth.providers.map(({ name }) => name).join(', ') || 'none';
  context.out(
    `${file ?? 'No configuration file; defaults and environment'}: good. ${config.external_url}, sign-in providers: ${providers}`,
  );
  return 0;
};

/** Mistakes are printed by main, which exits with 1. */
function load(context: CommandContext, warn: (warnings: string[]) => void): LoadedConfig {
  try {
    return loadConfiguration(context);
  } catch (error) {
    if (error instanceof ConfigError) warn(error.warnings);
    throw error;
  }
}
