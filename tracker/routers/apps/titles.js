// What an application does with a page's title: it comes when the data are there, long after the address.
export const SLOW_MS = 500;
export const titled = (title) => {
  const timer = setTimeout(() => (document.title = title), SLOW_MS);
  return () => clearTimeout(timer);
};
