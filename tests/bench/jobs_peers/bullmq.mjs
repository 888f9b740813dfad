// node bullmq.mjs PORT CLIENTS SLOTS SECONDS: BullMQ on a Redis of its own.
import { Queue, Worker } from "bullmq";
import { measure, Waiting } from "./measure.mjs";

const [port, clients, slots, seconds] = process.argv.slice(2).map(Number);
const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
const waiting = new Waiting();
const queue = new Queue("bench", { connection });
const worker = new Worker("bench", async () => {}, { connection, concurrency: slots });
worker.on("completed", (job) => waiting.ended(job.id));
worker.on("error", (error) => console.error(error.message));
await worker.waitUntilReady();

await measure({
  clients,
  seconds,
  submit: async (name) => {
    const end = waiting.for(`job-${name}`);
    await queue.add("empty", {}, { jobId: `job-${name}` });
    await end;
  },
  stop: async () => {
    await worker.close(true);
    await queue.close();
  },
});
