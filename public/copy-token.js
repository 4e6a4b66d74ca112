// A button that copies the new token. Without this script one click on the token takes the whole of it.
const token = document.querySelector('[data-copy]');
const button = document.createElement('button');

button.type = 'button';
button.className = 'button';
button.textContent = 'Copy';
button.addEventListener('click', async () => {
  await window.navigator.clipboard.writeText(token.textContent);
  button.textContent = 'Copied';
});
// Browsers let pages copy over https, and from this machine.
if (window.navigator.clipboard) token.after(button);
