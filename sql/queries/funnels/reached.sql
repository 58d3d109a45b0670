-- How far visitors get in a funnel. Grain: one row a label, the most visitors at the first step first.
-- Reads `scoped`: events with a label. Parameters: names, paths (of steps), excluded_names, excluded_paths, window (ms),
-- order (ordered, strict, any), limit.
-- Visitors and medians (ms since the step before) are arrays with an element for each step that anyone reached; labels is
-- the number of rows without the limit.
--
-- Everything is done for all events of a visitor at once, in arrays: an event is one number of its time, the place among
-- the events that were loaded together, and bits (0 to 7: the steps that it matches, 8: it ends attempts).
with
    -- Bits of events that begin an attempt.
    if({order:String} = 'any', 255, 1) as starts,
    {order:String} = 'strict' as strict,
    toUInt64(4611686018427387904) as never,
    marked as (
        select
            visitor_id,
            label,
            timestamp,
            batch_seq,
            matching_steps(name, path, {names:Array(String)}, {paths:Array(String)}) as steps,
            matching_steps(name, path, {excluded_names:Array(String)}, {excluded_paths:Array(String)}) != 0 as ends,
            toUInt16(multiIf(ends, 256, starts = 255, bitAnd(steps, -steps), steps)) as bits
        from scoped
        where bits != 0 or (strict and (interactive or name = 'page_view'))
    ),
    gathered as (
        select
            groupArray(
                toUInt128(toUnixTimestamp64Milli(timestamp)) * 536870912 + least(batch_seq, 1048575) * 512 + bits
            ) as events,
            groupArray(label) as labels
        from marked
        group by visitor_id
        having max(bitAnd(bits, starts)) > 0
    ),
    in_order as (
        select
            arraySort(events) as sorted,
            arraySort((label, event) -> event, labels, events) as labels,
            arrayMap(event -> toUInt16(bitAnd(event, 511)), sorted) as bits,
            arrayFirstIndex(bit -> bitAnd(bit, starts) != 0, bits) as first,
            -- Of like events in a row that no attempt goes on with, the last will do.
            arrayMap(
                (bit, next, at) -> at = first or (at > first and (bit != next or bit not in (0, 256, starts))),
                bits,
                arrayPushBack(arrayPopFront(bits), 511),
                arrayEnumerate(bits)
            ) as kept
        from gathered
    ),
    shortened as (
        select
            arrayMap(
                event -> toUInt64(bitShiftRight(event, 9)), arrayFilter((event, keep) -> keep, sorted, kept)
            ) as moments,
            arrayFilter((bit, keep) -> keep, bits, kept) as bits,
            arrayFilter((label, keep) -> keep, labels, kept) as labels
        from in_order
    ),
    -- From the last step to the first: `rows` has a row for each step from this one on, with the time at which an
    -- attempt that goes on at each event gets there. A row of a step is filled backwards from its events.
    followed as (
        select
            moments,
            bits,
            labels,
            arrayFold(
                (rows, step) -> arrayConcat(
                    [
                        arrayReverseFill(
                            (moment, bit) -> strict or bitTest(bit, step) or bitTest(bit, 8),
                            arrayMap((moment, bit) -> if(bitTest(bit, step), moment, never), moments, bits),
                            bits
                        )
                    ],
                    if(
                        starts = 255,
                        rows,
                        arrayMap(
                            row -> arrayReverseFill(
                                (moment, bit) -> strict or bitTest(bit, step) or bitTest(bit, 8),
                                arrayMap(
                                    (moment, bit) -> if(bitTest(bit, step), moment, never),
                                    arrayPushBack(arrayPopFront(row), never),
                                    bits
                                ),
                                bits
                            ),
                            rows
                        )
                    )
                ),
                reverse(range(length({names:Array(String)}))),
                cast([], 'Array(Array(UInt64))')
            ) as rows
        from shortened
    ),
    -- Of a visitor's attempts that get farthest, those that get there first, and of them the last to begin.
    attempts as (
        select
            arrayMap(
                row -> arrayMap(
                    (moment, began) -> bitShiftRight(moment, 20) - bitShiftRight(began, 20) <= {window:UInt64},
                    row,
                    moments
                ),
                rows
            ) as inside,
            arrayMap(
                (level, bit) -> if(bitAnd(bit, starts) != 0, level, 0), arrayReduce('sumForEach', inside), bits
            ) as levels,
            arrayReduce(
                'maxForEach',
                arrayMap((row, its) -> arrayMap((moment, ok) -> if(ok, moment, 0), row, its), rows, inside)
            ) as ended,
            arrayMax(levels) as farthest,
            arrayMin(arrayFilter((moment, level) -> level = farthest, ended, levels)) as soonest,
            arrayLastIndex((moment, level) -> level = farthest and moment = soonest, ended, levels) as best,
            labels[best] as label,
            -- Of its steps, in the order in which it takes them: moments, and labels of their events.
            arraySort(arrayMap(row -> row[best], arrayFilter((row, its) -> its[best], rows, inside))) as reached,
            arrayMap(moment -> labels[indexOf(moments, moment)], reached) as along
        from followed
    )
select
    toString(t.label) as label,
    sumForEach(arrayMap(moment -> 1, t.reached)) as visitors,
    quantileExactInclusiveForEach(0.5)(
        arrayDifference(arrayMap(moment -> bitShiftRight(moment, 20), t.reached))
    ) as medians,
    count() over () as labels
from attempts as t
group by label
order by visitors[1] desc, label
limit {limit:UInt32}
