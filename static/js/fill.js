// The form behind a one-time link: 累计 of each line and 合计, as they are typed. The server counts for itself.
(function () {
  "use strict";
  var lines = Array.from(document.querySelectorAll("[data-fill-line]"));
  var total = document.querySelector("[data-fill-total]");
  if (!total) { return; }
  var value = function (field) { return /^-?\d+$/.test(field.value.trim()) ? Number(field.value) : null; };
  var count = function () {
    var sums = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    lines.forEach(function (line) {
      var fields = line.querySelectorAll("input[type=number]");
      var outputs = line.querySelectorAll("output");
      outputs.forEach(function (output, at) {
        var due = value(fields[2 * at]), more = value(fields[2 * at + 1]), last = Number(output.dataset.last);
        output.textContent = more === null ? "" : String(last + more);
        output.classList.toggle("over", more !== null && (last + more < 0 || (due !== null && last + more > due)));
        [due || 0, last, more || 0, last + (more || 0)].forEach(function (part, place) { sums[4 * at + place] += part; });
      });
    });
    total.querySelectorAll("output").forEach(function (output, at) { output.textContent = String(sums[at]); });
  };
  document.addEventListener("input", count);
  window.addEventListener("pageshow", count);
  count();
})();
