-- +goose Up

-- How far the content of a series' documents was checked: each row up to checked
-- was looked at once, but for those that deep_open names.
create table deep_audits (
    tenant     text collate "C" not null,
    series     text collate "C" not null,
    period     text collate "C" not null,
    checked    bigint not null check (checked >= 0),
    changed_at timestamptz not null default clock_timestamp(),
    primary key (tenant, series, period)
);

-- What has to be looked at again, below checked too: numbers that had no row yet
-- (kind ''), and those with a fault, of the kind named. Who is checked and found
-- right leaves the table.
create table deep_open (
    tenant text collate "C" not null,
    series text collate "C" not null,
    period text collate "C" not null,
    kind   text collate "C" not null,
    first  bigint not null,
    last   bigint not null check (last >= first),
    fault  text not null,
    primary key (tenant, series, period, kind, first)
);

-- The auditor reads all that documents are held against; what it notes, the
-- settler's connections write.
select grant_rights('deep_audits',    '', '', 'select, insert, update, delete', 'select');
select grant_rights('deep_open',      '', '', 'select, insert, update, delete', 'select');
select grant_rights('series_formats', '', '', '', 'select');
select grant_rights('import_series',  'select', '', '', 'select');
select grant_rights('imports',        'select (import, tenant)', '', '', 'select');

create policy all_tenants on import_series to folio_auditor using (true);

-- +goose Down
drop policy all_tenants on import_series;
select grant_rights('imports',        'select (import, tenant)', '', '', '');
select grant_rights('import_series',  'select', '', '', '');
select grant_rights('series_formats', '', '', '', '');
drop table deep_open, deep_audits;
