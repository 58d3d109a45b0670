"""Text in, facts out: sources, channels, user agents, machines, places. No state."""
