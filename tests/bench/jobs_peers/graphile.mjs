// node graphile.mjs URL CLIENTS SLOTS SECONDS: graphile-worker on a PostgreSQL of its own.
import { EventEmitter } from "node:events";
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { measure, Waiting } from "./measure.mjs";

const [url, ...numbers] = process.argv.slice(2);
const [clients, slots, seconds] = numbers.map(Number);
const logger = new Logger(() => () => {});
const pgPool = new pg.Pool({ connectionString: url, max: 20 });
const utils = await makeWorkerUtils({ pgPool, logger });
await utils.migrate();

const waiting = new Waiting(), events = new EventEmitter();
events.on("job:complete", ({ job }) => waiting.ended(job.payload.name));
const taskList = { empty: async () => {} };
const runner = await run({ pgPool, events, logger, taskList, concurrency: slots, noHandleSignals: true });

await measure({
  clients,
  seconds,
  submit: async (name) => {
    const end = waiting.for(name);
    await utils.addJob("empty", { name });
    await end;
  },
  stop: async () => {
    await runner.stop();
    await pgPool.end();
  },
});
