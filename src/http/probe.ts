import { get } from 'node:http';

/**
 * The health check of a container, a program of its own so that it starts fast: `node probe.js http://127.0.0.1:9464`.
 * The exit code says whether the process lives; what it prints, and Docker keeps, says whether it is ready.
 */
const answerMsMax = 5000;
const saidCharsMax = 500;

const base = process.argv[2] ?? '';

/** The status and text of an answer; status 0 and the reason where there is none. */
function ask(path: string): Promise<{ readonly status: number; readonly said: string }> {
  return new Promise((resolve) => {
    const request = get(`${base}${path}`, { agent: false, timeout: answerMsMax }, (response) => {
      let said = '';
      response
        .setEncoding('utf8')
        .on('data', (text: string) => {
          said = `${said}${text}`.slice(0, saidCharsMax);
        })
        .on('end', () => resolve({ status: response.statusCode ?? 0, said: said.trim() }));
    });
    request
      .on('timeout', () => request.destroy(new Error(`no answer within ${answerMsMax / 1000} s`)))
      .on('error', ({ message }) => resolve({ status: 0, said: message }));
  });
}

const [alive, ready] = await Promise.all([ask('/healthz'), ask('/readyz')]);
const lives = alive.status === 200;
process.stdout.write(
  lives ? `alive; readiness: ${ready.said}\n` : `${base}/healthz does not answer with 200: ${alive.said}\n`,
);
process.exitCode = lives ? 0 : 1;
