"""Sites speak to this room: HTTP in, a durable spool, and the loader that feeds ClickHouse."""
