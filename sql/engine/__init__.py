"""The embedded engine: its process, and ClickHouse's HTTP interface over it."""
