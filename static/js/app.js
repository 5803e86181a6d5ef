// What every page needs: one open menu at a time, no double submit, a question before what cannot be undone;
// on lists with boxes, one for all of them.
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
  var all = document.querySelector("[data-tick-all]");
  if (all) {
    var boxes = Array.from(all.closest("form").querySelectorAll(".lines input[type=checkbox]"));
    var told = document.querySelector("[data-ticked]");
    var count = function () {
      var ticked = boxes.filter(function (box) { return box.checked; }).length;
      told.textContent = ticked ? "，已勾选 " + ticked + " 项" : "";
      all.firstElementChild.checked = ticked === boxes.length;
    };
    all.hidden = false;
    all.firstElementChild.addEventListener("change", function () {
      boxes.forEach(function (box) { box.checked = all.firstElementChild.checked; });
      count();
    });
    boxes.forEach(function (box) { box.addEventListener("change", count); });
    window.addEventListener("pageshow", count);
  }
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });
})();
