(function () {
  "use strict";
  var wide = window.matchMedia("(min-width: 1000px)");
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var colours = JSON.parse(document.getElementById("colours").textContent);
  var MINUTE = 60000, DAY = 1440 * MINUTE;
  var STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map(function (m) { return m * MINUTE; });

  function recolour(value) {
    if (typeof value === "string") { return dark.matches && colours[value] ? colours[value] : value; }
    if (Array.isArray(value)) { return value.map(recolour); }
    if (value && typeof value === "object") {
      var made = {};
      Object.keys(value).forEach(function (key) { made[key] = recolour(value[key]); });
      return made;
    }
    return value;
  }

  function utc(text) { return Date.parse(String(text).replace(" ", "T") + "Z"); }
  function stamp(ms) { return new Date(ms).toISOString().slice(0, 19).replace("T", " "); }

  // The same ticks as on paper, worked out again when a reader looks closer: round times of the zone's own clock.
  function ticks(low, high, zone) {
    var step = STEPS.filter(function (s) { return (high - low) / s <= 12; })[0];
    if (!step) { return null; }
    var clock = new Intl.DateTimeFormat("en-US", { timeZone: zone, hour: "numeric", minute: "2-digit", hourCycle: "h23",
      day: "numeric", month: "long", timeZoneName: "short" });
    var grid = Math.min(step, 15 * MINUTE), values = [], texts = [], day = "", name = "";
    for (var at = Math.ceil(low / grid) * grid; at <= high; at += grid) {
      var part = {};
      clock.formatToParts(new Date(at)).forEach(function (p) { part[p.type] = p.value; });
      var hour = Number(part.hour) % 24, minute = Number(part.minute);
      if ((hour * 60 + minute) * MINUTE % step) { continue; }
      var text = (hour % 12 || 12) + (minute ? ":" + part.minute : "") + (hour < 12 ? " a.m." : " p.m.");
      if (!minute && hour % 12 === 0) { text = hour ? "noon" : "midnight"; }
      var below = [];
      if (part.day + " " + part.month !== day) { day = part.day + " " + part.month; below.push(day); }
      if (name && part.timeZoneName !== name) { below.push(part.timeZoneName); }
      name = part.timeZoneName;
      values.push(stamp(at));
      texts.push(below.length ? text + "<br><b>" + below.join(", ") + "</b>" : text);
    }
    return values.length > 1 ? { values: values, texts: texts } : null;
  }

  function follow(plot, drawn) {
    plot.on("plotly_relayout", function (change) {
      if ("xaxis.tickvals" in change) { return; }
      var range = plot.layout.xaxis.range, first = drawn.layout.xaxis;
      var whole = utc(range[0]) === utc(first.range[0]) && utc(range[1]) === utc(first.range[1]);
      var found = whole ? null : ticks(utc(range[0]), utc(range[1]), drawn.zone);
      window.Plotly.relayout(plot, { "xaxis.tickvals": found ? found.values : first.tickvals,
        "xaxis.ticktext": found ? found.texts : first.ticktext });
    });
  }

  function draw(figure) {
    var plot = figure.querySelector(".live-plot");
    var drawn = JSON.parse(figure.querySelector("script").textContent);
    window.Plotly.react(plot, recolour(drawn.data), recolour(drawn.layout), drawn.config).then(function () {
      figure.classList.add("live");
      if (!plot.dataset.followed && drawn.layout.xaxis.tickvals) {
        plot.dataset.followed = "yes";
        follow(plot, drawn);
      }
    });
  }

  function drawAll() {
    if (wide.matches) { Array.prototype.forEach.call(document.querySelectorAll("figure[data-live]"), draw); }
  }
  wide.addEventListener("change", drawAll);
  dark.addEventListener("change", drawAll);
  // widths are measured once, so the typeface has to be there first
  Promise.all(["400", "600"].map(function (weight) {
    return document.fonts.load(weight + " 13px 'Source Sans Pro'");
  })).then(drawAll, drawAll);
})();
