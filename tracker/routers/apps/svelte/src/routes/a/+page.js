export const load = () => new Promise((done) => setTimeout(done, 200, {}));
