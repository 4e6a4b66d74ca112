// Moves the token of a one-time sign-in link from behind the # into the form, and out of the address bar and the history.
// It does not submit: the person decides.
const token = window.location.hash.slice(1);
const field = document.querySelector('#token');

if (token !== '') {
  field.value = token;
  window.history.replaceState(null, '', window.location.pathname);
  field.form.querySelector('button').focus();
}
