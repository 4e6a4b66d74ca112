// What was said about pull requests.
import { saveComments, savePeople } from '../../projects/records.ts';
import { commentRow, peopleOfComment, peopleRows } from '../rows.ts';
import { stageOf } from './items.ts';

export const comments = stageOf({
  name: 'comments',
  rounds: [{ having: 'comments' }],
  async read({ client, source, project }, number) {
    // A pending one is part of a review that its author has not sent: not said yet.
    const { items, unreadable } = await client.listComments(source, number);
    const said = items.filter(({ pending }) => !pending);
    return {
      ids: said.map(({ id }) => id),
      unreadable,
      write: async (trx) => {
        await savePeople(trx, project.source_provider, peopleRows(said.flatMap(peopleOfComment)));
        const rows = said.map((comment) => commentRow(number, comment));
        await saveComments(trx, project.id, rows);
      },
    };
  },
});
