"""What an event is: its fields, bounds and values, and what must not be kept. No input or output."""
