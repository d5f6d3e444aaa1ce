package invoices

import (
	"testing"

	"folio/counter"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// stated is what each role may do with each table. A new table needs a line here,
// and in its migration grant_rights and, if requests read it, build_wall.
var stated = map[string]rights{
	"documents":        {reader: "select", writer: "select, insert", settler: "select, insert", auditor: "select"},
	"series":           {reader: "select", writer: "select", settler: "select", auditor: "select"},
	"tenants":          {reader: "select"},
	"api_keys":         {},
	"api_key_uses":     {writer: "select, insert, update (last_used_at)"},
	"holders":          {writer: "select, update (enrolled_at)", settler: "select, insert, update (fenced_at)", auditor: "select"},
	"restores":         {writer: "select", settler: "select, update (beat)", auditor: "select"},
	"sweeps":           {settler: "select, insert", auditor: "select"},
	"annulments":       {reader: "select", writer: "select, insert", settler: "select", auditor: "select"},
	"audited":          {reader: "select", settler: "select", auditor: "select, insert, update (first, mark, issued, void, audited_at, peak)"},
	"strict_counters":  {reader: "select", writer: "select, insert, update", settler: "select", auditor: "select"},
	"series_formats":   {auditor: "select"},
	"strict_era":       {writer: "select", settler: "select", auditor: "select"},
	"drafts":           {reader: "select", writer: "select, insert, update, delete"},
	"credits":          {reader: "select", writer: "select, insert, update", auditor: "select"},
	"credit_notes":     {reader: "select", writer: "select, insert", auditor: "select"},
	"goose_db_version": {},
	"series_starts":    {reader: "select", writer: "select"},
	"imports":          {reader: "select (import, tenant)", auditor: "select"},
	"import_series":    {reader: "select", auditor: "select"},
	"deep_audits":      {settler: "select, insert, update, delete", auditor: "select"},
	"deep_open":        {settler: "select, insert, update, delete", auditor: "select"},
	"import_rows":      {},
	"import_parts":     {},
}

type rights struct{ reader, writer, settler, auditor string }

// rightsIn reads what the four roles may do with every table and view of the
// schema, whether by the table or by its columns, and whoever it was granted to.
func rightsIn(t testing.TB, db *DB) map[string]rights {
	t.Helper()
	var rows []struct {
		Table  string `db:"relname"`
		Role   string `db:"role"`
		Rights string `db:"rights"`
	}
	const query = `
		select c.relname, r.role, coalesce(string_agg(
			case when has_table_privilege(r.role, c.oid, p.kind) then p.kind else p.kind || ' (' || cols.names || ')' end, ', ' order by p.i), '') as rights
		from pg_class c
		cross join unnest(array['folio_reader', 'folio_writer', 'folio_settler', 'folio_auditor']) as r (role)
		cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) with ordinality as p (kind, i)
		cross join lateral (
			select string_agg(a.attname, ', ' order by a.attnum) as names from pg_attribute a
			where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and p.kind in ('select', 'insert', 'update', 'references')
				and has_column_privilege(r.role, c.oid, a.attnum, case when p.kind in ('select', 'insert', 'update', 'references') then p.kind else 'select' end)) as cols
		where c.relnamespace = cast(current_schema as regnamespace) and c.relkind in ('r', 'p', 'v', 'm', 'f')
			and (has_table_privilege(r.role, c.oid, p.kind) or cols.names is not null or p.i = 1)
		group by c.relname, r.role`
	if err := db.rest.SelectContext(t.Context(), &rows, query); err != nil {
		t.Fatal(err)
	}
	found := make(map[string]rights)
	for _, row := range rows {
		r := found[row.Table]
		*map[string]*string{roleReader: &r.reader, roleWriter: &r.writer, roleSettler: &r.settler, roleAuditor: &r.auditor}[row.Role] = row.Rights
		found[row.Table] = r
	}
	return found
}

func TestEveryTableHasStatedRights(t *testing.T) {
	onlyWhole(t)
	t.Parallel()
	db := migrated(t)
	if diff := cmp.Diff(stated, rightsIn(t, db), cmp.AllowUnexported(rights{})); diff != "" {
		t.Errorf("stated (-), granted (+); state a new table's rights in roles_test.go and grant_rights in its migration:\n%s", diff)
	}
	// The teeth: a table that nobody thought of, and a right too many.
	db.exec(t, `create table forgotten (a integer)`)
	db.exec(t, `grant update (status) on documents to folio_writer`)
	got := rightsIn(t, db)
	if _, seen := got["forgotten"]; !seen || got["documents"].writer != "select, insert, update (status)" {
		t.Errorf("a forgotten table and a right too many were not noticed: %+v", got)
	}
}

// What a request can read stands behind a wall.
func TestEveryTableThatTheReaderReadsHasAWall(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	for table, r := range rightsIn(t, db) {
		walled := ask[bool](t, db, `select relrowsecurity from pg_class where oid = cast($1 as regclass)`, table)
		if r.reader != "" && !walled {
			t.Errorf("the reader reads %s of all tenants; build_wall is missing", table)
		}
		if forced := ask[bool](t, db, `select relforcerowsecurity from pg_class where oid = cast($1 as regclass)`, table); forced {
			t.Errorf("%s is walled for its owner, too, as whom the program before this one connects", table)
		}
	}
}

// refused reports whether Postgres refused for want of a right.
func refused(err error) bool {
	return pq.As(err, pqerror.InsufficientPrivilege) != nil
}

func TestARoleDoesOnlyWhatItNeeds(t *testing.T) {
	t.Parallel()
	db, _ := books(t)
	insert := `insert into documents (tenant, series, period, number, status, created_at, reason) values ('acme', 'x', '', 1, 'void', now(), 'test')`
	issued := `insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id, issue_date, printed_number, kind)
		values ('acme', 'x', '', 2, 'issued', now(), 'x', '', 'k', '2026-01-01', 'X', 'external')`
	everybody := []*sqlx.DB{db.reads, db.lookUps, db.batches, db.settling, db.audits}
	for _, c := range []struct {
		statement string
		who       []*sqlx.DB // each of whom is refused
	}{
		{`update documents set reason = 'other'`, everybody},
		{`delete from documents`, everybody},
		{`truncate documents`, everybody},
		{`alter table documents disable trigger all`, everybody},
		{`drop table documents`, everybody},
		{`create table mine ()`, everybody},
		{insert, []*sqlx.DB{db.reads, db.audits}},
		{issued, []*sqlx.DB{db.reads, db.audits, db.settling}}, // the settler only voids
		{`update holders set fenced_at = null`, []*sqlx.DB{db.reads, db.lookUps, db.batches, db.audits}},
		{`update holders set fenced_at = now()`, []*sqlx.DB{db.reads, db.lookUps, db.batches, db.audits}},
		{`update holders set era = 'x'`, everybody},
		{`insert into holders (holder, era) values ('x', 'y')`, []*sqlx.DB{db.reads, db.lookUps, db.batches, db.audits}},
		{`delete from holders`, everybody},
		{`update restores set epoch = epoch + 1`, everybody},
		{`update restores set resumed_epoch = epoch`, everybody},
		{`update restores set beat = beat + 1`, []*sqlx.DB{db.reads, db.lookUps, db.batches, db.audits}},
		{`insert into sweeps (era) values ('x')`, []*sqlx.DB{db.reads, db.lookUps, db.batches, db.audits}},
		{`delete from sweeps`, everybody},
		{`select hash from api_keys`, everybody},
		{`update api_keys set revoked_at = null`, everybody},
		{`insert into api_keys (key_id, tenant, hash, created_at) values ('k', 'acme', sha256('x'), now())`, everybody},
		{`select * from whose_key('x')`, []*sqlx.DB{db.lookUps, db.batches, db.settling, db.audits}},
		{`insert into api_key_uses values ('k', now())`, []*sqlx.DB{db.reads, db.settling, db.audits}},
		{`delete from api_key_uses`, everybody},
		{`update series set format = '{seq}'`, everybody},
		{`insert into series (tenant, name, format, period, on_loss, created_at) values ('acme', 'x', 'x', 'none', 'reuse', now())`, everybody},
		{`update tenants set time_zone = 'UTC'`, everybody},
		{`select * from tenants`, []*sqlx.DB{db.lookUps, db.batches, db.settling, db.audits}},
		{`select * from holders`, []*sqlx.DB{db.reads}},
		{`select grant_rights('documents', 'delete', '', '', '')`, everybody},
	} {
		for _, set := range c.who {
			_, err := set.ExecContext(t.Context(), c.statement)
			if !refused(err) {
				who := ""
				_ = set.Get(&who, `select current_user`)
				t.Errorf("%s may %s: %v", who, c.statement, err)
			}
		}
	}
	// The teeth: what they may do, they can.
	for set, statement := range map[*sqlx.DB]string{
		db.settling: insert, db.batches: issued, db.audits: `select * from documents`, db.reads: `select * from tenants`,
	} {
		if _, err := set.ExecContext(t.Context(), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// The writer's right to update a column, which it needs to lock the row, changes
// nothing; and nobody takes a fence away, not even the owner.
func TestAFenceIsForEver(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	b := heldBlock(t, db, "h", 1, 3)
	for _, set := range []*sqlx.DB{db.batches, db.rest} {
		if _, err := set.Exec(`update holders set enrolled_at = now()`); err == nil {
			t.Error("enrolled at another time")
		}
	}
	if _, err := (&Owner{DB: db}).Settle(t.Context(), testSeries, b); err != nil {
		t.Fatal(err)
	}
	for _, set := range []*sqlx.DB{db.settling, db.rest} {
		for _, statement := range []string{`update holders set fenced_at = null`, `update holders set fenced_at = now()`} {
			if _, err := set.Exec(statement); err == nil {
				t.Errorf("%s: accepted", statement)
			}
		}
	}
}

// The program before the roles connects as the owner, and its statements work as
// they did.
func TestTheOwnerPassesEveryWall(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	newTenant(t, db, "acme")
	before := *db
	before.batches, before.lookUps, before.reads, before.settling, before.audits = db.rest, db.rest, db.rest, db.rest, db.rest
	b := heldBlock(t, &before, "h", 1, 3)
	batchInFlight(t, &before, insertBatch, "h", testSeries, 1)()
	if n := ask[int](t, &before, `select count(*) from documents`); n != 1 {
		t.Errorf("the owner reads %d documents", n)
	}
	if _, err := (&Owner{DB: &before}).Settle(t.Context(), testSeries, b); err != nil {
		t.Error(err)
	}
	enrolled(t, &before, "voider")
	if err := (&Owner{DB: &before}).Void(t.Context(), "voider", testSeries, []counter.Range{{First: 2, Last: 2}}, "test"); err != nil {
		t.Error(err)
	}
	if _, err := before.rest.Exec(`insert into api_keys (key_id, tenant, hash, created_at) values ('key_old', 'acme', sha256('x'), now())`); err != nil {
		t.Error(err)
	}
	if key := ask[string](t, db, `select array_to_string(scopes, ' ') from api_keys where key_id = 'key_old'`); key != scopesText(AllScopes()) {
		t.Errorf("a key of the program before may %q", key)
	}
}
