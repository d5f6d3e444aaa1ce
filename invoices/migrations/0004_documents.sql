-- +goose Up

-- Documents that are still being written. One is frozen when it is to be issued:
-- from then on it is not changed any more. Which document it became is told by
-- the request id that it was issued under.
create table drafts (
    tenant     text collate "C" not null,
    draft_id   text collate "C" not null,
    version    bigint not null check (version >= 1),
    content    json not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    frozen_at  timestamptz,
    request_id text collate "C",
    digest     bytea,
    constraint drafts_key primary key (tenant, draft_id),
    constraint drafts_request unique (tenant, request_id),
    constraint drafts_digest check (num_nulls(request_id, digest) in (0, 2))
);

-- What was credited of an invoice so far: its row is locked by the statement that
-- inserts a credit note. An invoice that nobody credits has none. Nothing is left
-- of one that is closed.
create table credits (
    tenant   text collate "C" not null,
    series   text collate "C" not null,
    period   text collate "C" not null,
    number   bigint not null,
    gross    numeric not null,
    credited numeric not null default 0,
    notes    integer not null default 0 check (notes >= 0),
    closed   boolean not null default false,
    constraint credits_key primary key (tenant, series, period, number),
    constraint credits_within_gross check (
        case when gross < 0 then credited between gross and 0 else credited between 0 and gross end)
);

-- What each credit note took of its invoice, in the order in which they were
-- issued. lines are [{line, quantity}], totals those of the note.
create table credit_notes (
    tenant         text collate "C" not null,
    invoice_series text collate "C" not null,
    invoice_period text collate "C" not null,
    invoice_number bigint not null,
    place          integer not null check (place >= 1),
    series         text collate "C" not null,
    period         text collate "C" not null,
    number         bigint not null,
    lines          json not null,
    totals         json not null,
    constraint credit_notes_key primary key (tenant, invoice_series, invoice_period, invoice_number, place)
);

-- +goose StatementBegin
create function credit_notes_are_kept() returns trigger language plpgsql as $$
begin
    raise exception 'credit notes are never changed or removed: % refused', tg_op using errcode = 'restrict_violation';
end
$$;
-- +goose StatementEnd

create trigger credit_notes_are_kept_rows before update or delete on credit_notes
    for each row execute function credit_notes_are_kept();
create trigger credit_notes_are_kept_table before truncate on credit_notes
    for each statement execute function credit_notes_are_kept();

-- +goose Down
drop table credit_notes, credits, drafts;
drop function credit_notes_are_kept();
