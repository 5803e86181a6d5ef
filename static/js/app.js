// What every page needs: one open menu at a time, no double submit, a question before what cannot be undone.
(function () {
  "use strict";
  document.addEventListener("click", function (event) {
    document.querySelectorAll("details.topbar-user[open], details.more-nav[open]").forEach(function (menu) {
      if (!menu.contains(event.target)) { menu.removeAttribute("open"); }
    });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") { return; }
    document.querySelectorAll("details.topbar-user[open], details.more-nav[open]").forEach(function (menu) {
      menu.removeAttribute("open");
      menu.querySelector("summary").focus();
    });
  });
  document.addEventListener("submit", function (event) {
    var form = event.target;
    var button = event.submitter;
    var question = (button && button.dataset.confirm) || form.dataset.confirm;
    if (question && !window.confirm(question)) { event.preventDefault(); return; }
    if (form.method.toLowerCase() !== "post") { return; }
    if (form.dataset.sent === "1") { event.preventDefault(); return; }
    form.dataset.sent = "1";
    window.setTimeout(function () { delete form.dataset.sent; }, 4000);
  });
  document.addEventListener("formdata", function (event) {
    // What was not asked for need not stand in the address.
    if (!event.target.matches("form.list-form")) { return; }
    Array.from(event.formData.keys()).forEach(function (name) {
      if (event.formData.get(name) === "") { event.formData.delete(name); }
    });
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });
})();
