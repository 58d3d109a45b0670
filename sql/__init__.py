"""The one way to open ClickHouse: engine, client, migrations, statements."""
