-- How many an event stands for, in millionths: 1000000 where the tracker did not sample it. Whole numbers add up to the
-- same in any order. The sender says it: what is not a finite number of at least 1 counts as 1, and nothing stands for
-- more than 1000 (docs/reports.md, "Sites that sample").
create or replace function sample_weight as (numbers) ->
    toUInt64(round(
        if(
            isFinite(numbers['sample_weight']) and numbers['sample_weight'] >= 1,
            least(numbers['sample_weight'], 1000),
            1
        ) * 1000000
    ))
