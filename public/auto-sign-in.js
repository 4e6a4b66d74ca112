// Submits the marked provider form (auto_sign_in_with_provider). Not when the page was reached with the Back button:
// that would throw the visitor forward again. Without this script the button is there.
const form = document.querySelector('form[data-auto-submit]');
const [visit] = window.performance.getEntriesByType('navigation');

if (form && visit?.type !== 'back_forward') {
  const status = form.querySelector('[data-auto-status]');
  status.textContent = status.dataset.autoStatus;
  form.requestSubmit();
}
