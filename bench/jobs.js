// The side of a worker: startWorker in process.js is the other one.

/** For workers: does the jobs it is sent. */
export function serveJobs(run) {
  process.on('message', (job) => {
    run(job).then(
      (result) => process.send({ result }),
      (error) => process.send({ error: error.stack }),
    );
  });
  process.on('disconnect', () => process.exit());
  process.send('ready');
}
