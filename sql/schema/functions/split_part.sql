-- Which part of a split, from 1 on, a person is in: always the same one. `ends` are the sums of the shares in percent;
-- 0: behind the last.
create or replace function split_part as (segment, person, ends) ->
    arrayFirstIndex(last -> cityHash64(segment, person) % 100 < last, ends)
