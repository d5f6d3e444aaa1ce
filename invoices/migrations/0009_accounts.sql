-- +goose NO TRANSACTION
-- +goose Up

-- Each statement may be run again: what failed halfway is not undone.

-- How far a series is known to be whole: each number from first to mark has a row,
-- issued of them are issued, and void are void rows. Rows are never changed or
-- removed, so it stays true, also when the database goes back: then this goes back
-- with it. Whether an external number was annulled is not counted here, it may still
-- be. An audit reads what lies above the mark, and raises it.
-- +goose StatementBegin
do $$
begin
    if to_regclass('audited') is not null then
        return;
    end if;
    create table audited (
        tenant     text collate "C" not null,
        series     text collate "C" not null,
        period     text collate "C" not null,
        first      bigint not null check (first between 1 and 9007199254740991),
        mark       bigint not null check (mark between first - 1 and 9007199254740991),
        issued     bigint not null check (issued >= 0),
        void       bigint not null check (void >= 0),
        audited_at timestamptz not null,
        primary key (tenant, series, period),
        check (issued + void = mark - first + 1)
    ) with (fillfactor = 50); -- every audit of a busy series updates in place
    perform grant_rights('audited', 'select', '', 'select', 'select, insert, update');
    perform build_wall('audited', 'tenant');

    -- A tenant asks what became of its numbers, those of strict series, too.
    perform grant_rights('strict_counters', 'select', 'select, insert, update', 'select', 'select');
    perform build_wall('strict_counters', 'tenant');
end
$$;
-- +goose StatementEnd

-- Counting rows reads the primary key alone as far as the visibility map says that
-- all see them. So a large table is to be looked after more often than by its fifth.
alter table documents set (autovacuum_vacuum_insert_scale_factor = 0.02);

-- The voids of a series, with their reasons: below the mark of audited the rest is
-- issued. Writers do not wait while it is made; it waits for whoever reads.
set lock_timeout = 0;
drop index concurrently if exists documents_voids;
create index concurrently documents_voids on documents (tenant, series, period, number) include (reason) where status = 'void';
reset lock_timeout;

-- +goose Down
drop index if exists documents_voids;
alter table documents reset (autovacuum_vacuum_insert_scale_factor);
select grant_rights('strict_counters', '', 'select, insert, update', 'select', 'select');
drop policy if exists one_tenant on strict_counters;
drop policy if exists all_tenants on strict_counters;
alter table strict_counters disable row level security;
drop table if exists audited;
