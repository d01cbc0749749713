// What pages do better with a script, and can all do without.

// A time zone that nobody has chosen yet: this device's own.
for (const field of document.querySelectorAll("input[data-own-timezone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || field.value;
}

for (const button of document.querySelectorAll("button[data-copies]")) {
  const source = document.getElementById(button.dataset.copies);
  if (navigator.clipboard === undefined || source === null) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source.textContent.trim());
    button.textContent = "Copied";
  });
}
