// What pages do better with a script, and can all do without.

// A time zone that nobody has chosen yet: this device's own.
for (const field of document.querySelectorAll("input[data-own-timezone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || field.value;
}

// A time zone that was chosen elsewhere, or by nobody. Browsers that hide where they are say UTC.
for (const offer of document.querySelectorAll("form[data-timezone-offer]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || zone === "UTC" || zone === offer.dataset.timezoneOffer) continue;
  offer.elements.timezone.value = zone;
  offer.querySelector("[data-device-timezone]").textContent = zone;
  offer.querySelector("button").textContent = `Use ${zone}`;
  offer.hidden = false;
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
