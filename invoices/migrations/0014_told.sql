-- +goose Up

-- Replicas remember the rules of series for as long as they are told of what changes,
-- whoever changes it. A series that is made needs no word: that there is none nobody
-- remembers. What is used with every document (counters, uses of keys) tells nothing: who
-- tells waits for everybody else who does.
-- +goose StatementBegin
create function tell_of_series() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old is distinct from new then
        perform pg_notify('folio_series', old.tenant || '/' || old.name);
    end if;
    return null;
end
$$;
-- +goose StatementEnd
create trigger series_told after update or delete on series for each row execute function tell_of_series();

-- Keys and tenants are deleted by hand only. Nothing named is everything: whoever
-- listens forgets all, and looks whether the database still tells.
-- +goose StatementBegin
create function tell_of_everything() returns trigger language plpgsql as $$
begin
    perform pg_notify('folio_series', '');
    return null;
end
$$;
-- +goose StatementEnd
create trigger api_keys_gone_told after delete or truncate on api_keys for each statement execute function tell_of_everything();
create trigger tenants_gone_told after delete or truncate on tenants for each statement execute function tell_of_everything();
create trigger series_gone_told after truncate on series for each statement execute function tell_of_everything();

select pg_notify('folio_series', '');

-- +goose Down
drop trigger api_keys_gone_told on api_keys;
drop trigger tenants_gone_told on tenants;
drop trigger series_gone_told on series;
drop trigger series_told on series;
drop function tell_of_everything();
drop function tell_of_series();
select pg_notify('folio_series', '');
