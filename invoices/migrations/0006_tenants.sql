-- +goose Up

-- Each use of the database has a role with just the rights it needs; the program
-- connects as one user and takes the role it needs. The owner of the schema is
-- for migrations and administration: it passes every wall below, so a program
-- from before them goes on working.
--
--   folio_reader   answers requests that read; sees one tenant at a time
--   folio_writer   issues: writes batches, and looks up what issuing asks for
--   folio_settler  enrols and fences holders, and voids numbers
--   folio_auditor  reads everything, changes nothing
--
-- Roles belong to the server, not to a database: another database may be making
-- them at this moment, and they stay when this one goes.
-- +goose StatementBegin
do $$
declare
    role name;
    taken text := case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end;
begin
    foreach role in array array['folio_reader', 'folio_writer', 'folio_settler', 'folio_auditor'] loop
        if not exists (select from pg_roles where rolname = role) then
            begin
                execute format('create role %I nologin', role);
            exception when duplicate_object or unique_violation then
                null; -- another database's migration was faster
            end;
        end if;
        if not pg_has_role(current_user, role, taken) then
            begin
                execute format('grant %I to %I', role, current_user);
            exception when unique_violation then
                null; -- so was its grant
            end;
        end if;
    end loop;
exception when insufficient_privilege then
    raise exception '% may not make the roles that folio needs, or take them (%); have an administrator of the server run: %; leave out what exists, then migrate again',
        current_user, sqlerrm, format('create role folio_reader nologin; create role folio_writer nologin; create role folio_settler nologin; create role folio_auditor nologin; grant folio_reader, folio_writer, folio_settler, folio_auditor to %I', current_user)
        using errcode = 'insufficient_privilege';
end
$$;
-- +goose StatementEnd

-- grant_rights states what each role may do with a table, such as 'select,
-- insert' or 'update (fenced_at)'; '' is nothing. Every table needs such a line:
-- a test lists the tables and what the roles may do with them.
-- +goose StatementBegin
create function grant_rights(target regclass, reader text, writer text, settler text, auditor text) returns void language plpgsql as $$
declare
    given record;
begin
    if target is null then
        return; -- to_regclass found no such table
    end if;
    for given in select * from (values
        ('folio_reader', reader), ('folio_writer', writer), ('folio_settler', settler), ('folio_auditor', auditor)) as g (role, rights)
    loop
        execute format('revoke all on %s from %I', target, given.role);
        if given.rights <> '' then
            execute format('grant %s on %s to %I', given.rights, target, given.role);
        end if;
    end loop;
end
$$;
-- +goose StatementEnd

-- build_wall keeps the reader to the rows whose column named is the tenant that
-- its transaction says it reads for; it sees none before it said so. The other
-- roles see all rows.
-- +goose StatementBegin
create function build_wall(target regclass, tenant_column name) returns void language plpgsql as $$
begin
    if target is null then
        return;
    end if;
    execute format('alter table %s enable row level security', target);
    execute format('create policy one_tenant on %s to folio_reader using (%I = nullif(current_setting(''folio.tenant'', true), ''''))', target, tenant_column);
    execute format('create policy all_tenants on %s to folio_writer, folio_settler, folio_auditor using (true) with check (true)', target);
end
$$;
-- +goose StatementEnd

revoke execute on function grant_rights(regclass, text, text, text, text), build_wall(regclass, name) from public;

-- What a key may do. live and test are a mark for people: they do the same.
alter table api_keys
    add column mode   text collate "C" not null default 'live' check (mode in ('live', 'test')),
    add column scopes text[] not null default array['invoices:write', 'invoices:read', 'series:write']
        check (cardinality(scopes) > 0 and scopes <@ array['invoices:write', 'invoices:read', 'series:write']);

-- When a key was last used, to about a minute.
create table api_key_uses (
    key_id       text collate "C" primary key references api_keys (key_id),
    last_used_at timestamptz not null
);

-- Whom a key speaks for, by its hash: no row if nobody. It is how the reader
-- learns of keys, and of the tenant it is to read for; it cannot read the table.
-- +goose StatementBegin
create function whose_key(sought bytea)
returns table (key_id text, tenant text, time_zone text, legal_name text, tax_id text, address text, default_currency text, scopes text)
language sql stable security definer
begin atomic
    select k.key_id, k.tenant, t.time_zone, t.legal_name, t.tax_id,
           coalesce(cast(t.address as text), 'null'), t.default_currency, array_to_string(k.scopes, ' ')
    from api_keys k join tenants t on t.name = k.tenant
    where k.hash = sought and k.revoked_at is null;
end;
-- +goose StatementEnd
revoke execute on function whose_key(bytea) from public;
grant execute on function whose_key(bytea) to folio_reader;

-- Replicas listen to what changes about a tenant and its keys, whoever changes it.
-- +goose StatementBegin
create function tell_of_tenant() returns trigger language plpgsql as $$
begin
    perform pg_notify('folio_tenants', to_jsonb(new) ->> tg_argv[0]);
    return null;
end
$$;
-- +goose StatementEnd
create trigger api_keys_told after update on api_keys for each row execute function tell_of_tenant('tenant');
create trigger tenants_told after update on tenants for each row execute function tell_of_tenant('name');

-- A fence holds for ever, whatever rights somebody has. The writer's right to
-- update a column, without which Postgres would not let it lock the row FOR
-- SHARE, is a right to change nothing.
-- +goose StatementBegin
create function holders_are_only_fenced() returns trigger language plpgsql as $$
begin
    if (new.holder, new.era, new.enrolled_at) is distinct from (old.holder, old.era, old.enrolled_at)
        or old.fenced_at is not null and new.fenced_at is distinct from old.fenced_at then
        raise exception 'a holder is fenced, once, and else never changed: update of % refused', old.holder using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
-- +goose StatementEnd
create trigger holders_are_only_fenced before update on holders for each row execute function holders_are_only_fenced();

-- +goose StatementBegin
do $$
begin
    if not has_schema_privilege('folio_reader', current_schema, 'usage') then
        execute format('grant usage on schema %I to folio_reader, folio_writer, folio_settler, folio_auditor', current_schema);
    end if;
end
$$;
-- +goose StatementEnd

select grant_rights('documents',    'select', 'select, insert', 'select, insert', 'select');
select grant_rights('series',       'select', 'select', 'select', 'select');
select grant_rights('tenants',      'select', '', '', '');
select grant_rights('api_keys',     '', '', '', '');
select grant_rights('api_key_uses', '', 'select, insert, update (last_used_at)', '', '');
select grant_rights('holders',      '', 'select, update (enrolled_at)', 'select, insert, update (fenced_at)', 'select');
select grant_rights('restores',     '', 'select', 'select', 'select');

select grant_rights('series_formats', '', '', '', '');
select grant_rights('drafts',         'select', 'select, insert, update, delete', '', '');
select grant_rights('credits',        'select', 'select, insert, update', '', 'select');
select grant_rights('credit_notes',   'select', 'select, insert', '', 'select');

-- Of strict series, where they are.
select grant_rights(to_regclass('strict_counters'), '', 'select, insert, update', 'select', 'select');
select grant_rights(to_regclass('strict_era'),      '', 'select', 'select', 'select');

select build_wall('drafts', 'tenant');
select build_wall('credits', 'tenant');
select build_wall('credit_notes', 'tenant');
select build_wall('documents', 'tenant');
select build_wall('series', 'tenant');
select build_wall('tenants', 'name');

-- The settler spoils forms, it fills in none.
create policy only_voids on documents as restrictive for insert to folio_settler with check (status = 'void');

-- +goose Down
-- +goose StatementBegin
do $$
declare
    walled regclass;
begin
    for walled in select oid from pg_class where relnamespace = cast(current_schema as regnamespace) and relkind = 'r' loop
        perform grant_rights(walled, '', '', '', '');
        execute format('drop policy if exists only_voids on %s', walled);
        execute format('drop policy if exists one_tenant on %s', walled);
        execute format('drop policy if exists all_tenants on %s', walled);
        execute format('alter table %s disable row level security', walled);
    end loop;
end
$$;
-- +goose StatementEnd
drop trigger holders_are_only_fenced on holders;
drop trigger api_keys_told on api_keys;
drop trigger tenants_told on tenants;
drop function holders_are_only_fenced();
drop function tell_of_tenant();
drop function whose_key(bytea);
drop table api_key_uses;
alter table api_keys drop column mode, drop column scopes;
drop function grant_rights(regclass, text, text, text, text);
drop function build_wall(regclass, name);
