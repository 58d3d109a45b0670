import type { Row } from "../harness";

/** The properties of a stored event in one object, whatever column they stand in. */
export const typed = (event: Row): Record<string, any> => ({ ...event.props, ...event.props_number, ...event.props_bool });

/** Each event once: what a beacon carried is sent again under its id, as nobody knows what became of it. */
export const once = (events: Row[]): Row[] => [...new Map(events.map((event) => [event.event_id, event])).values()];
