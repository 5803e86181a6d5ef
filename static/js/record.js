// The record form: problem lines that come and go, and autosave that says what it does.
// Works on top of plain HTML: without this file the form still saves and confirms.
(function () {
  "use strict";
  const form = document.getElementById("record-form");
  if (!form) return;
  const status = document.getElementById("save-status");

  // --- problems: one line each -------------------------------------------------------------------
  const box = form.querySelector("[data-problems]");
  const lines = box.querySelector("[data-lines]");
  const add = box.querySelector("[data-add]");
  const blank = lines.querySelector("[data-spare]").cloneNode(true);

  function number() {
    Array.from(lines.children).forEach(function (line, index) {
      line.querySelector("textarea").setAttribute("aria-label", "第 " + (index + 1) + " 个问题");
      const remove = line.querySelector("[data-remove]");
      remove.hidden = lines.children.length === 1;
      remove.setAttribute("aria-label", "删去第 " + (index + 1) + " 个问题");
    });
  }
  function fresh() {
    const line = blank.cloneNode(true);
    lines.append(line);
    number();
    return line;
  }
  // The spare lines are for browsers without scripts: keep one when nothing else is there.
  const spares = Array.from(lines.querySelectorAll("[data-spare]"));
  spares.forEach(function (line, index) {
    if (index > 0 || lines.children.length > spares.length) line.remove();
  });
  if (!lines.children.length) fresh();
  number();
  add.hidden = false;
  add.addEventListener("click", function () {
    fresh().querySelector("textarea").focus();
  });
  lines.addEventListener("click", function (event) {
    const button = event.target.closest("[data-remove]");
    if (!button) return;
    const line = button.closest("li");
    const near = line.nextElementSibling || line.previousElementSibling;
    line.remove();
    if (!lines.children.length) fresh();
    number();
    (near || lines.firstElementChild).querySelector("textarea").focus();
    form.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // --- boxes grow with their text ------------------------------------------------------------------
  function grow(area) {
    area.rows = Math.max(area.rows, Math.min(14, area.value.split("\n").length + 1));
    while (area.scrollHeight > area.clientHeight + 4 && area.rows < 14) area.rows += 1;
  }
  form.querySelectorAll("textarea").forEach(grow);
  form.addEventListener("input", function (event) {
    if (event.target.tagName === "TEXTAREA") grow(event.target);
  });

  // --- autosave: say what happened, never lose a word ------------------------------------------------
  let waiting = 0; // requests under way
  let dirty = false; // typed since the last answer
  let chosen = null; // the button pressed while a request was under way
  let leaving = false; // the form itself is on its way

  function say(text) {
    status.querySelectorAll(":scope > :not(input)").forEach(function (old) { old.remove(); });
    const line = document.createElement("span");
    line.className = "text-danger";
    line.textContent = text;
    status.append(line);
  }
  function freshToken() {
    // Logging in again in another window changes the token: take the new one along.
    const found = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
    const field = form.querySelector("[name=csrfmiddlewaretoken]");
    if (found && field) field.value = found[1];
    return found ? found[1] : null;
  }
  form.addEventListener("input", function () { dirty = true; });
  form.addEventListener("change", function () { dirty = true; });
  form.addEventListener("htmx:configRequest", function (event) {
    const token = freshToken();
    if (token) event.detail.parameters.csrfmiddlewaretoken = token;
  });
  form.addEventListener("htmx:beforeRequest", function (event) {
    if (leaving) { event.preventDefault(); return; } // the page's own submit carries everything
    waiting += 1;
    dirty = false;
  });
  form.addEventListener("htmx:beforeSwap", function (event) {
    if (!new URL(event.detail.xhr.responseURL).pathname.endsWith("/autosave/")) {
      event.detail.shouldSwap = false;
      dirty = true;
      say("登录已过期，还没有保存。请在新窗口登录，再回到这一页继续填写，文字不会丢。");
    }
  });
  form.addEventListener("htmx:responseError", function (event) {
    dirty = true;
    const code = event.detail.xhr.status;
    say(code === 403 ? "登录已失效，还没有保存。请在新窗口登录，再回到这一页继续填写，文字不会丢。"
      : code === 404 ? "没有保存：这份草稿已确认、已删除，或不再由您填写。请复制文字后返回任务。"
      : "没有保存（" + code + "）。文字还在本页，请稍后点“保存草稿”。");
  });
  form.addEventListener("htmx:sendError", function () {
    dirty = true;
    say("网络不通，还没有保存。文字还在本页，联网后继续填写就会保存。");
  });
  form.addEventListener("htmx:afterRequest", function (event) {
    waiting = Math.max(0, waiting - 1);
    if (waiting || !chosen) return;
    const button = chosen;
    chosen = null;
    if (!event.detail.xhr.status) return; // no connection: stay on the page, where the text is
    leaving = true;
    // After the swap: the new version must be in the form before it goes.
    window.setTimeout(function () { form.requestSubmit(button); }, 0);
  });
  form.addEventListener("submit", function (event) {
    freshToken();
    if (waiting > 0) {
      event.preventDefault();
      event.stopPropagation(); // this one is not sent: nobody should count it as sent
      chosen = event.submitter;
      return;
    }
    if (navigator.onLine === false) {
      event.preventDefault();
      event.stopPropagation();
      leaving = false;
      say("网络不通，还没有保存。文字还在本页，联网后再点一次。");
      return;
    }
    dirty = false;
    leaving = true;
    // A second tap must not send a second form; the first goes with its button's value.
    window.setTimeout(function () {
      document.querySelectorAll('[form="record-form"]').forEach(function (button) { button.disabled = true; });
    }, 0);
  });
  window.addEventListener("pageshow", function () {
    leaving = false;
    document.querySelectorAll('[form="record-form"]').forEach(function (button) { button.disabled = false; });
  });
  document.addEventListener("visibilitychange", function () {
    if (document.hidden && dirty && !leaving && window.htmx) window.htmx.trigger(form, "flush");
  });
  window.addEventListener("beforeunload", function (event) {
    if (dirty && !leaving) event.preventDefault();
  });
})();
