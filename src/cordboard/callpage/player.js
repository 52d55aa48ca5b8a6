"use strict";
(function () {
  var audio = document.getElementById("sound");
  if (!audio) { return; }
  var length = Number(audio.dataset.length) / 1000;
  var button = document.getElementById("play");
  var clock = document.getElementById("clock");
  var head = document.getElementById("head");
  var wave = document.getElementById("wave");
  var strip = document.getElementById("strip");
  var track = document.getElementById("track");
  var less = document.getElementById("out");
  var more = document.getElementById("in");
  var zoom = 1;
  var most = Math.max(1, Math.min(64, length / 10));
  var said = Array.prototype.slice.call(document.querySelectorAll(".said[data-at]"));
  var spans = said.map(function (item) {
    return { item: item, from: Number(item.dataset.at) / 1000, to: Number(item.dataset.to) / 1000 };
  });

  function words(seconds) {
    var whole = Math.max(0, Math.floor(seconds));
    return Math.floor(whole / 60) + ":" + ("0" + (whole % 60)).slice(-2);
  }
  function show() {
    var now = audio.currentTime;
    head.style.left = (length ? Math.min(1, now / length) * 100 : 0) + "%";
    clock.textContent = words(now) + " / " + words(length);
    spans.forEach(function (span) {
      var on = now >= span.from && now < span.to && (now > 0 || !audio.paused);
      if (on !== span.item.classList.contains("now")) {
        span.item.classList.toggle("now", on);
        if (on && !audio.paused) { reveal(span.item); }
      }
    });
  }
  function reveal(item) {
    var place = item.getBoundingClientRect();
    var top = wave.getBoundingClientRect().bottom + 30;
    if (place.top < top || place.bottom > window.innerHeight) {
      window.scrollBy({ top: place.top - top - 20, behavior: "smooth" });
    }
  }
  function magnify(factor) {
    zoom = Math.max(1, Math.min(most, zoom * factor));
    track.style.width = zoom * 100 + "%";
    less.disabled = zoom <= 1;
    more.disabled = zoom >= most;
    strip.scrollLeft = audio.currentTime / length * track.offsetWidth - strip.offsetWidth / 2;
  }
  function keepInView() {
    var place = audio.currentTime / length * track.offsetWidth - strip.scrollLeft;
    if (place < 0 || place > strip.offsetWidth * 0.9) {
      strip.scrollLeft += place - strip.offsetWidth * 0.1;
    }
  }
  function follow() {
    show();
    if (zoom > 1 && !audio.paused) { keepInView(); }
    if (!audio.paused) { window.requestAnimationFrame(follow); }
  }
  function seek(seconds) {
    audio.currentTime = Math.max(0, Math.min(length, seconds));
    show();
  }
  function toggle() { if (audio.paused) { audio.play(); } else { audio.pause(); } }

  button.addEventListener("click", toggle);
  audio.addEventListener("play", function () { button.classList.add("on"); follow(); });
  audio.addEventListener("pause", function () { button.classList.remove("on"); show(); });
  audio.addEventListener("seeked", show);
  function seekTo(event) {
    var box = wave.getBoundingClientRect();
    seek((event.clientX - box.left) / box.width * length);
  }
  wave.addEventListener("pointerdown", function (event) {
    wave.setPointerCapture(event.pointerId);
    seekTo(event);
  });
  wave.addEventListener("pointermove", function (event) {
    if (event.buttons & 1) { seekTo(event); }
  });
  spans.forEach(function (span) {
    span.item.tabIndex = 0;
    function go() { seek(span.from); audio.play(); }
    span.item.addEventListener("click", function () {
      if (String(window.getSelection())) { return; }
      go();
    });
    span.item.addEventListener("keydown", function (event) {
      if (event.key === "Enter") { go(); }
    });
  });
  document.addEventListener("keydown", function (event) {
    if (event.target !== document.body && event.target.className.indexOf("said") < 0) { return; }
    if (event.key === " ") { event.preventDefault(); toggle(); }
    if (event.key === "ArrowLeft") { seek(audio.currentTime - 5); }
    if (event.key === "ArrowRight") { seek(audio.currentTime + 5); }
  });
  less.addEventListener("click", function () { magnify(0.5); });
  more.addEventListener("click", function () { magnify(2); });
  magnify(1);
  show();
}());
