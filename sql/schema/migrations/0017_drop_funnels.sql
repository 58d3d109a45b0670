-- Funnels are in `definitions` (0016): a migration of its own, since that one reads the table when it runs again.

drop table if exists funnels;
