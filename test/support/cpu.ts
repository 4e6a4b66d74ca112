/** Milliseconds that this process has computed: of this process alone, since the machine may have other things to do. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
