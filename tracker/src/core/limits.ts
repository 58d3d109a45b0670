/** Every number that the core goes by. */

// A batch is sent when so many events wait, or after so long.
export const BATCH_EVENTS = 10;
export const BATCH_MS = 5_000;
// A browser takes 64 KiB in all for requests that outlive the page. Collectors take events up to 32 KiB.
export const BODY_BYTES = 60_000;
export const EVENT_BYTES = 32_000;
// Characters, as collectors take them.
export const ADDRESS = 4_096;
export const TITLE = 1_024;

// What does not arrive is tried again: from a second on, doubling.
export const RETRY_FIRST_MS = 1_000;
export const RETRY_LAST_MS = 30_000;
export const RETRY_ASKED_MS = 86_400_000; // Retry-After is honoured up to here
export const ANSWER_MS = 30_000; // no answer by then: it is tried again
export const TRUST_MS = 30_000; // so long after an answer a beacon is taken to arrive

// What waits; the oldest are dropped and counted.
export const MEMORY_EVENTS = 2_000;
export const MEMORY_BYTES = 2_000_000;
export const STORED_EVENTS = 500;
export const STORED_BYTES = 262_144;
export const SAVE_MS = 200; // many events at once are one write
export const GONE_MS = 40_000; // a page that tries again writes more often than this

// A page has settled after so many looks at its title.
export const LOOK_MS = 250;
export const LOOKS = 8;

export const CALLBACK_MS = 1_000;
export const IDLE_MS = 60_000; // without a touch this long, nobody is taken to read
export const SESSION_MS = 1_800_000;
export const NOTED_MS = 1_000; // how exactly a session's last event is known: a burst is not a burst of writes
