// Records the answers of one sign-in at a Gatehouse, for the bare server to repeat.
import { Connection } from './connection.js';
import { signIn } from './journeys.js';

/** @returns what bare.js wants; the answers are for person 1, whoever asks */
export async function recordAnswers(url, bitbucketUrl, person) {
  const site = new Connection(url);
  const bitbucket = new Connection(bitbucketUrl);
  const answers = {};
  const recording = {
    get: async (path, cookie) => note('GET', path, await site.get(path, cookie)),
    post: async (path, cookie, form) => note('POST', path, await site.post(path, cookie, form)),
  };
  const note = (method, path, answer) => {
    answers[`${method} ${path.replace(/\?.*/, '')}`] = repeatable(answer);
    return answer;
  };
  await signIn({ site: recording, bitbucket, person });
  site.close();
  bitbucket.close();
  return answers;
}

function repeatable({ status, head, body }) {
  const lines = head.trimEnd().split('\r\n').slice(1);
  const headers = lines.map((line) => line.split(/: (.*)/s, 2));
  // Node adds these itself.
  const ours = headers.filter(([name]) => !/^(date|connection|keep-alive)$/i.test(name));
  return { status, headers: ours.flat(), body };
}
