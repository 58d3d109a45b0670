/** What is the document's own: an element of the page's HTML that is named "currentScript" hides it. */
export const own = <K extends keyof Document>(name: K): Document[K] => Reflect.get(Document.prototype, name, document);
