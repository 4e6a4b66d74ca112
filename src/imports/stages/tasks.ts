// What was to be done before pull requests could be merged.
import { savePeople, saveTasks } from '../../projects/records.ts';
import { peopleRows, taskRow } from '../rows.ts';
import { countersCountResolvedTasks } from '../reading.ts';
import type { Job } from '../job.ts';
import { stageOf } from './items.ts';

export const tasks = stageOf({
  name: 'tasks',
  // The later rounds cost a call for each pull request without a counted task. They are needed because Bitbucket counts
  // open tasks only; where what is here shows that it counts the others as well, the counter is believed.
  rounds: [{ having: 'tasks' }, { having: 'talk', isNeeded }, { having: 'no talk', isNeeded }],
  async read({ client, source, project }, number) {
    const { items, unreadable } = await client.listTasks(source, number);
    const found = items.filter(({ pending }) => !pending);
    return {
      ids: found.map(({ id }) => id),
      unreadable,
      write: async (trx) => {
        const people = found.flatMap(({ author, resolvedBy }) => [author, resolvedBy]);
        await savePeople(trx, project.source_provider, peopleRows(people));
        const rows = found.map((task) => taskRow(number, task));
        await saveTasks(trx, project.id, rows);
      },
    };
  },
});

async function isNeeded({ db, project }: Job): Promise<boolean> {
  return !(await countersCountResolvedTasks(db, project.id));
}
