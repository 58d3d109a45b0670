// Vue Router: a redirect on landing, a guard that waits, a title that comes late, a search that types into the address.
import { createApp, h, watchEffect } from "vue";
import { createRouter, createWebHistory, RouterLink, RouterView, useRoute, useRouter } from "vue-router";
import { titled } from "./titles.js";

const shown = (title) => ({ setup: () => (watchEffect((clean) => clean(titled(title))), () => h("h1", title)) });
const [Home, A, B] = ["Home", "A", "B"].map(shown);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", redirect: "/home" },
    { path: "/home", component: Home },
    { path: "/a", component: A, beforeEnter: () => wait(200) },
    { path: "/b", component: B },
    { path: "/old", redirect: "/b" },
  ],
});

createApp({
  setup() {
    const [route, routes] = [useRoute(), useRouter()];
    const type = (event) => routes.replace({ path: route.path, query: { q: event.target.value } });
    const links = ["home", "a", "b", "old"].map((name) => h(RouterLink, { to: `/${name}`, id: name }, () => name));
    return () => [...links, h("input", { id: "search", onInput: type }), h(RouterView)];
  },
}).use(router).mount("#app");
