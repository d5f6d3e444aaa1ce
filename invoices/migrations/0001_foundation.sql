-- +goose Up

-- Text that identifies is compared byte by byte (COLLATE "C"): neither its
-- order nor its equality may depend on a library's version.

create table tenants (
    name       text collate "C" primary key check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    time_zone  text not null,
    created_at timestamptz not null
);

-- The keys themselves are not kept, only their SHA-256.
create table api_keys (
    key_id     text collate "C" primary key,
    tenant     text collate "C" not null references tenants (name),
    hash       bytea not null unique check (length(hash) = 32),
    created_at timestamptz not null,
    revoked_at timestamptz
);

-- on_loss says what becomes of the numbers that a dead holder never used.
create table series (
    tenant     text collate "C" not null references tenants (name),
    name       text collate "C" not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    format     text not null,
    period     text not null check (period in ('none', 'year', 'month')),
    on_loss    text not null check (on_loss in ('reuse', 'void')),
    created_at timestamptz not null,
    primary key (tenant, name)
);

-- A holder may write while its row is not fenced and its era is the present
-- one. A holder without a row counts as fenced.
create table holders (
    holder      text collate "C" primary key,
    era         text collate "C" not null,
    enrolled_at timestamptz not null default clock_timestamp(),
    fenced_at   timestamptz
);

-- How many restores were announced so far; one row.
create table restores (
    one   boolean primary key default true check (one),
    epoch bigint not null check (epoch >= 0)
);
insert into restores (epoch) values (0);

-- current_era names the history that this server writes:
-- "<epoch>.<timeline>.<system identifier>". It fails on a standby. It is STABLE
-- so that it sees what the calling statement sees.
-- +goose StatementBegin
create function current_era() returns text language sql stable as $$
    select r.epoch || '.' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || '.' || c.system_identifier
    from restores r, pg_control_system() c
$$;
-- +goose StatementEnd

-- One row per finished number: an invoice, or a void with its reason. Rows are
-- never changed. The primary key decides every race for a number, and the
-- request key every race of a request with its repeats.
--
-- There is no foreign key to tenants or series: it would cost a row lock per
-- row, and a tenant's books outlive whatever its rows there become.
create table documents (
    tenant         text collate "C" not null,
    series         text collate "C" not null,
    period         text collate "C" not null,
    number         bigint not null check (number between 1 and 9007199254740991),
    status         text collate "C" not null,
    created_at     timestamptz not null,

    -- of an invoice
    request_id     text collate "C",
    item           integer not null default 0,
    digest         bytea,
    key_id         text collate "C",
    issue_date     date,
    currency       text collate "C",
    net            numeric,
    tax            numeric,
    gross          numeric,
    printed_number text collate "C",
    content        json,

    -- of a void
    reason         text collate "C",

    -- the block the number was taken from, as far as it is known
    holder         text collate "C",
    block_serial   bigint,
    block_first    bigint,
    block_last     bigint,

    constraint documents_key primary key (tenant, series, period, number),
    constraint documents_request unique (tenant, request_id, item),
    constraint documents_status check (status in ('issued', 'void')),
    constraint documents_issued check (status <> 'issued' or (
        num_nulls(request_id, digest, key_id, issue_date, currency, net, tax, gross, printed_number, content,
                  holder, block_serial, block_first, block_last) = 0 and reason is null)),
    constraint documents_void check (status <> 'void' or (
        reason is not null and
        num_nonnulls(request_id, digest, key_id, issue_date, currency, net, tax, gross, printed_number, content) = 0))
);

-- +goose StatementBegin
create function documents_are_kept() returns trigger language plpgsql as $$
begin
    raise exception 'documents are never changed or removed: % refused', tg_op using errcode = 'restrict_violation';
end
$$;
-- +goose StatementEnd

create trigger documents_are_kept_rows before update or delete on documents
    for each row execute function documents_are_kept();
create trigger documents_are_kept_table before truncate on documents
    for each statement execute function documents_are_kept();

-- +goose Down
drop table documents, restores, holders, series, api_keys, tenants;
drop function documents_are_kept();
drop function current_era();
