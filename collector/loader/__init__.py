"""From sealed segments into ClickHouse, each event once."""
