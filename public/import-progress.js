// Renews what moves of imports: by a stream of events, or by asking again and again where there is none. Without this
// script the page shows how things stood when it was opened.
const root = document.querySelector('[data-imports]');
const POLL_MS = 3000;

function show({ id, words, status, percent, stage, over, reason, waitingUntil, left }) {
  const element = root.querySelector(`[data-import="${Number(id)}"][data-over="false"]`);
  if (!element) return;
  const part = (name) => element.querySelector(`[data-part="${name}"]`);
  part('words').textContent = words;
  part('words').className = `badge ${status}`;
  const detail = [
    over ? '' : (stage ?? ''),
    waitingUntil ? ` until ${waitingUntil.text}` : '',
    left ? `, ${left} left` : '',
  ];
  part('detail').textContent = detail.join('');
  part('reason').textContent = reason ?? '';
  part('reason').hidden = !reason;
  element.querySelector('progress').value = percent;
  // What can be done differs from then on: the page as a whole is another one.
  if (over) window.location.reload();
}

function poll() {
  window.setInterval(async () => {
    const answer = await window.fetch(root.dataset.poll, { headers: { accept: 'application/json' } });
    if (answer.ok) for (const { id, progress } of [await answer.json()].flat()) show({ id, ...progress });
  }, POLL_MS);
}

if (root?.querySelector('[data-over="false"]')) {
  const events = new window.EventSource(root.dataset.imports);
  events.onmessage = ({ data }) => JSON.parse(data).forEach(show);
  // A closed stream will not come back (too many pages are open, or something between here and the server cuts it).
  events.onerror = () => events.readyState === window.EventSource.CLOSED && poll();
}
