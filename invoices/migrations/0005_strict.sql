-- +goose Up

-- Where a strict series stands, by period. Each number from first to mark has a
-- row in documents; the next to be given is mark + 1. Whoever issues locks the
-- row until the commit. While era is not the present one, the series is suspended.
create table strict_counters (
    tenant text collate "C" not null,
    series text collate "C" not null,
    period text collate "C" not null,
    first  bigint not null check (first between 1 and 9007199254740991),
    mark   bigint not null check (mark between first - 1 and 9007199254740991),
    era    text collate "C" not null,
    primary key (tenant, series, period)
) with (fillfactor = 50); -- every batch updates in place

-- The era in which strict series may go on that are not used yet: that of the
-- migration, later what the operator has said. A counter that a failover lost
-- would else begin at its first number again. One row.
create table strict_era (
    one boolean primary key default true check (one),
    era text collate "C" not null
);
insert into strict_era (era) select current_era();

-- +goose Down
drop table strict_era, strict_counters;
