import { deepEqual, equal, ok } from "node:assert/strict";
import { type Row, scene } from "../harness";
import { typed } from "./stored";

const named = (events: Row[], name: string) => events.filter((event) => event.name === name).map(typed);

scene("errors: each kind once, and how often when the page is left", async (stage) => {
  stage.serve("/x.js", () => ({
    headers: { "Content-Type": "text/javascript" },
    body: `function boom() {\n  throw new TypeError("no jo@mail.example at https://a.example/p?token=1");\n}`,
  }));
  const body = `<script src="/x.js?secret=1"></script><img id="img" alt=""><button onclick="boom()">Boom</button>`;
  const page = await stage.open(stage.page("/a", { modules: "errors", body }));
  for (let i = 0; i < 3; i++) await page.click("button");
  await stage.leave(page);
  const events = await stage.events(4);
  const [first, rest] = named(events, "js_error");
  equal(first!.kind, "error");
  equal(first!.message, "TypeError: no [email] at https://a.example/p");
  equal(first!.source, `${stage.host}:${stage.port}/x.js`);
  deepEqual([first!.line, first!.column], [2, 9]);
  ok(first!.stack.includes("boom") && !first!.stack.includes("secret") && first!.stack.length <= 1_000);
  deepEqual([first!.count, rest!.count], [1, 2]);
  equal(named(events, "js_error").length, 2);
  equal(events.find((event) => event.name === "js_error")!.interactive, false);
});

scene("errors: rejections, failing resources, scripts of others, no extensions", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "errors" }));
  await page.evaluate(() => {
    void Promise.reject(new Error("later"));
    void Promise.reject("a word");
    const image = document.createElement("img");
    image.src = "/missing.png?x=1";
    document.body.append(image);
    const foreign = new Error("theirs");
    foreign.stack = "Error: theirs\n    at f (chrome-extension://abc/x.js:1:2)";
    dispatchEvent(new ErrorEvent("error", { message: "theirs", error: foreign }));
    dispatchEvent(new ErrorEvent("error", { message: "Script error." }));
  });
  await page.waitForLoadState("networkidle");
  await stage.leave(page);
  const found = named(await stage.events(6), "js_error");
  const told = found.map(({ kind, message, source = "", count }) => [kind, message, source, count]).sort();
  deepEqual(told, [
    ["error", "Script error.", "", 1],
    ["rejection", "Error: later", "", 1],
    ["rejection", "a word", "", 1],
    ["resource", "img", `${stage.host}:${stage.port}/missing.png`, 1],
  ]);
});

scene("errors: ten different ones of a page view, and ten more of the next", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "errors" }));
  const throwing = (from: number) => {
    for (let i = from; i < from + 15; i++) dispatchEvent(new ErrorEvent("error", { message: `e${i}`, error: new Error(`e${i}`) }));
  };
  await page.evaluate(throwing, 0);
  await page.evaluate(() => history.pushState(0, "", "/b"));
  await page.evaluate(throwing, 100);
  await stage.leave(page);
  const found = (await stage.events(24)).filter((event) => event.name === "js_error");
  deepEqual(["/a", "/b"].map((path) => found.filter((event) => event.path === path).length), [10, 10]);
});

scene("vitals: each metric once, of the page that was loaded", async (stage) => {
  const body = `<h1>Something to paint</h1><button onclick="const t=performance.now();while(performance.now()-t<120);h.textContent='x'">Work</button><p id=h></p>
    <div id=late></div><script>setTimeout(()=>{late.style.height='200px'},300)</script><p>Moved</p>`;
  const page = await stage.open(stage.page("/a", { modules: "vitals", body }));
  await page.click("button");
  await page.evaluate(() => history.pushState(0, "", "/b"));
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 500))));
  await stage.leave(page);
  const found = (await stage.events(9)).filter((event) => event.name === "web_vital");
  deepEqual(found.map((event) => typed(event).metric).sort(), ["CLS", "FCP", "INP", "LCP", "TTFB"]);
  for (const event of found) {
    const { value, rating, navigation_type } = typed(event);
    ok(value >= 0 && ["good", "needs-improvement", "poor"].includes(rating), rating);
    equal(navigation_type, "navigate");
    equal(event.path, "/a");
    equal(event.interactive, false);
  }
  ok(typed(found.find((event) => typed(event).metric === "INP")!).value >= 100);
});

scene("search: the term once, however many pages of results", async (stage) => {
  const page = await stage.open(stage.page("/find", { modules: "search" }).concat("?q=green%20%20tea&page=1"));
  for (const next of ["?q=green%20tea&page=2", "?q=jo@mail.example", "?q=&x=1", "?x=1&query=last"])
    await page.evaluate((to) => new Promise((done) => setTimeout(() => done(history.pushState(0, "", to)), 1_100)), next);
  await stage.leave(page);
  const events = await stage.events(9);
  deepEqual(named(events, "site_search").map(({ term }) => term).sort(), ["[email]", "green tea", "last"]);
});

scene("search: a parameter of the owner's", async (stage) => {
  const attributes = 'data-search-params="term"';
  const page = await stage.open(stage.page("/find", { modules: "search", attributes }).concat("?q=no&term=yes"));
  await stage.leave(page);
  deepEqual(named(await stage.events(3), "site_search"), [{ term: "yes" }]);
});

/** Two seconds of a canvas, recorded by the page itself: no film has to be brought along. */
const FILM = `<video id="film" data-title="Tour" muted></video><script>
  window.made = (async () => {
    const canvas = document.createElement("canvas");
    const paint = canvas.getContext("2d");
    const timer = setInterval(() => { paint.fillStyle = "#" + Math.random().toString(16).slice(2, 8); paint.fillRect(0, 0, 300, 150); }, 40);
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: "video/webm" });
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    const ended = new Promise((done) => (recorder.onstop = done));
    recorder.start();
    await new Promise((done) => setTimeout(done, 2000));
    recorder.stop();
    clearInterval(timer);
    await ended;
    const media = new MediaSource();
    film.src = URL.createObjectURL(new Blob(parts, { type: "video/webm" }));
    await new Promise((done) => (film.onloadedmetadata = done));
    film.currentTime = 1e9; // a recording tells its length only once its end was looked for
    await new Promise((done) => (film.onseeked = done));
    film.currentTime = 0;
    await new Promise((done) => (film.onseeked = done));
  })();
</script>`;

scene("video: start, quarters and the end, each once", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "video", body: FILM }));
  await page.evaluate(async () => {
    const film = document.querySelector("video")!;
    await (window as any).made;
    for (let i = 0; i < 2; i++) {
      const ended = new Promise((done) => film.addEventListener("ended", done, { once: true }));
      await film.play();
      await ended;
    }
  });
  await stage.leave(page);
  const found = (await stage.events(7)).filter((event) => event.name.startsWith("video_"));
  deepEqual(found.map((event) => [event.name, typed(event).percent]), [
    ["video_start", undefined],
    ["video_progress", 25],
    ["video_progress", 50],
    ["video_progress", 75],
    ["video_complete", undefined],
  ]);
  deepEqual(found.map((event) => event.interactive), [true, false, false, false, false]);
  ok(found.every((event) => typed(event).video === "Tour"));
});

scene("video: what is jumped over was not played", async (stage) => {
  const page = await stage.open(stage.page("/a", { modules: "video", body: FILM }));
  await page.evaluate(async () => {
    const film = document.querySelector("video")!;
    await (window as any).made;
    film.currentTime = film.duration - 0.4;
    const ended = new Promise((done) => film.addEventListener("ended", done, { once: true }));
    await film.play();
    await ended;
  });
  await stage.leave(page);
  const found = (await stage.events(4)).filter((event) => event.name.startsWith("video_"));
  deepEqual(found.map((event) => event.name).filter((name) => name !== "video_progress"), ["video_start", "video_complete"]);
  ok(found.every((event) => (typed(event).percent ?? 0) <= 25));
});
