-- Event schemas and overrides are in `definitions` (0018): a migration of its own, since that one reads the tables when
-- it runs again.

drop table if exists event_schemas;

drop table if exists event_overrides;
