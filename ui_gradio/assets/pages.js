// The appearance that a person chose in the app holds on the pages around it too.
try {
  const theme = localStorage.getItem("nexus.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is turned off: the system's appearance is used.
}
