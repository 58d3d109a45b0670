-- Names of the field: write keys are the keys that may write, and there are two identities of visitors.

rename table if exists keys to write_keys;

alter table sites modify column identity LowCardinality(String) default 'cookieless' comment 'cookieless | first-party';

alter table sites update identity = 'first-party' where identity = 'client-id' settings mutations_sync = 1;

-- What nothing uses any more.
drop function if exists event_order;
