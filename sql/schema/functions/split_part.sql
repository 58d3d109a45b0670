-- Which part of a split, from 1 on, a visitor is in: always the same one. `ends` are the sums of the shares in percent;
-- 0: behind the last.
create or replace function split_part as (segment, visitor, ends) ->
    arrayFirstIndex(last -> cityHash64(segment, visitor) % 100 < last, ends)
