-- A funnel is read from raw events: nothing is stored of it but its definition.

drop table if exists funnel_states_mv;

drop table if exists funnel_states;

drop view if exists funnel_steps;

drop function if exists funnel_moment;

alter table funnels add column if not exists window_seconds UInt32 default 86400;

alter table funnels add column if not exists step_order LowCardinality(String) default 'ordered'
    comment 'ordered | strict | any';

alter table funnels add column if not exists excluded Array(Tuple(name String, path String))
    comment 'events that end an attempt, as steps';
