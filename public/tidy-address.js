// On an error page of the callback: takes code, state and any fragment out of the address bar and the history, so that
// they are not bookmarked, shared or sent again by a reload.
window.history.replaceState(null, '', window.location.pathname);
