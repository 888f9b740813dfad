// What both peers are asked for: `clients` that submit an empty job, wait for its end, and submit the next one.
// Prints one line of JSON: jobs a second, latencies, and this process's CPU time a job.

export async function measure({ clients, seconds, submit, stop }) {
  let stopping = false, counting = false, done = 0;
  const latencies = [];
  const client = async (number) => {
    for (let i = 0; !stopping; ++i) {
      const begin = performance.now();
      await submit(`${number}-${i}`);
      if (counting) {
        ++done;
        latencies.push(performance.now() - begin);
      }
    }
  };
  const all = Array.from({ length: clients }, (_, number) => client(number));
  await pause(2);
  counting = true;
  const cpu = process.cpuUsage(), begin = performance.now();
  await pause(seconds);
  counting = false;
  const took = (performance.now() - begin) / 1000, used = process.cpuUsage(cpu);
  stopping = true;
  await Promise.all(all);
  await stop();
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.floor(latencies.length * share)] ?? 0;
  console.log(JSON.stringify({ rate: done / took, median: at(0.5), p99: at(0.99), cpu: (used.user + used.system) / done }));
  process.exit(0);
}

// Promises by name, resolved by whoever hears of the end.
export class Waiting {
  #ends = new Map();
  for(name) {
    return new Promise((resolve) => this.#ends.set(name, resolve));
  }
  ended(name) {
    const resolve = this.#ends.get(name);
    this.#ends.delete(name);
    resolve?.();
  }
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
