// Closes the account menu by Escape and by a click elsewhere. Without this script it closes as it opens.
const menu = document.querySelector('.menu');

document.addEventListener('keydown', ({ key }) => {
  if (key !== 'Escape' || !menu.open) return;
  menu.open = false;
  menu.querySelector('summary').focus();
});
document.addEventListener('click', ({ target }) => {
  if (!menu.contains(target)) menu.open = false;
});
