import { ObjectStore } from './object-store.ts';
import { keyOf } from './stored-object.ts';

/**
 * The program that the crash test kills: writes to the folder of the command line as fast as it can and prints a line
 * `<key> <revision> <counter>` after each acknowledgement.
 */
const [directory = '', round = ''] = process.argv.slice(2);
const store = await ObjectStore.open({ directory, historyRevisions: 1_000 });

async function work(worker: number): Promise<never> {
  for (let counter = 1; ; counter += 1) {
    const name = `object-${worker}-${counter % 5}`;
    const key = keyOf('test.io/things', 'default', name);
    const previous = store.latest(key);
    const object = { metadata: { name }, round, counter, padding: 'x'.repeat(counter % 3000) };
    const isDelete = previous !== undefined && counter % 7 === 0;
    const type = isDelete ? 'DELETED' : previous === undefined ? 'ADDED' : 'MODIFIED';
    const { stored, durable } = store.write(type, key, isDelete ? previous.object : object, previous);
    await durable;
    process.stdout.write(`${key} ${stored.revision} ${isDelete ? 'deleted' : counter}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, worker) => work(worker)));
