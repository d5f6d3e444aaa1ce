package invoices

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"folio/counter/countertest"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"
)

// partitioned has the tests of this package run on databases whose documents are
// partitioned as docs/scale.md says: go test ./invoices -partitioned.
var partitioned = flag.Bool("partitioned", false, "partition the documents of every test's database as docs/scale.md says")

// onlyWhole skips a test that looks at the one table itself.
func onlyWhole(t *testing.T) {
	t.Helper()
	if *partitioned {
		t.Skip("it looks at indexes, plans or rights of one table")
	}
}

// onPartitions is a database whose documents are partitioned.
func onPartitions(t *testing.T) *DB {
	t.Helper()
	db := migrated(t)
	if !*partitioned {
		if err := partition(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// partition runs the SQL of docs/scale.md.
func partition(ctx context.Context, db *DB) error {
	text, err := os.ReadFile("../docs/scale.md")
	if err != nil {
		return err
	}
	_, after, begins := strings.Cut(string(text), "<!-- partition:begin -->\n```sql\n")
	script, _, ends := strings.Cut(after, "\n```\n<!-- partition:end -->")
	if !begins || !ends {
		return fmt.Errorf("docs/scale.md has no SQL between partition:begin and partition:end")
	}
	_, err = db.rest.ExecContext(ctx, script)
	return err
}

// documentsAre returns what is said of documents, whichever table of it: its
// constraints, indexes, triggers and policies, by name.
func documentsAre(t testing.TB, db *DB) string {
	t.Helper()
	return ask[string](t, db, `
		select string_agg(line, E'\n' order by line) from (
			select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where conrelid = cast('documents' as regclass)
			union all
			select replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') from pg_index where indrelid = cast('documents' as regclass)
			union all
			select pg_get_triggerdef(oid) from pg_trigger where tgrelid = cast('documents' as regclass) and not tgisinternal
			union all
			select concat_ws(' ', polname, polcmd, polpermissive, polroles, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
			from pg_policy where polrelid = cast('documents' as regclass)
			union all
			select concat_ws(' ', attnum, attname, format_type(atttypid, atttypmod), attnotnull, attcollation, pg_get_expr(adbin, adrelid))
			from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
			where attrelid = cast('documents' as regclass) and attnum > 0
			union all
			select 'walled ' || relrowsecurity from pg_class where oid = cast('documents' as regclass)
			union all
			select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where confrelid = cast('documents' as regclass) and conparentid = 0
		) as l (line)`)
}

// The documents can be spread over tables by a hash of the tenant, with the same keys,
// walls and triggers, and the program goes on as before.
func TestTheProgramWorksOnDocumentsPartitionedByTenant(t *testing.T) {
	onlyWhole(t)
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	var who []Identity
	for i := range 12 {
		who = append(who, newTenant(t, db, fmt.Sprintf("tenant-%d", i)))
	}
	first := newReplica(t, db, store)
	before := first.mustIssue(t, request(who[0], "before", "n")).Invoice
	whole := documentsAre(t, db)
	if err := partition(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole, documentsAre(t, db)); diff != "" {
		t.Errorf("whole (-) and partitioned (+) differ:\n%s", diff)
	}

	// The replica that was running writes on; a repeat finds what was there before.
	if again := first.mustIssue(t, request(who[0], "before", "n")); !again.Replayed || again.Invoice.Number != before.Number {
		t.Errorf("the request from before got %+v, want %+v again", again, before)
	}
	second := newReplica(t, db, store)
	for _, id := range who {
		got := first.mustIssue(t, request(id, "one", "n")).Invoice
		if again := second.mustIssue(t, request(id, "one", "n")); !again.Replayed || again.Invoice.ID != got.ID {
			t.Errorf("the repeat at another replica got %+v, want %+v", again, got)
		}
	}
	if n := ask[int](t, db, `select count(distinct tableoid) from documents`); n < 4 {
		t.Errorf("%d tables have rows of 12 tenants, want several", n)
	}
	mustBeClean(t, db, store)
}

// What keeps documents as they are holds on each table of them, too.
func TestPartitionsOfDocumentsAreKeptAndWalled(t *testing.T) {
	t.Parallel()
	db := onPartitions(t)
	enrolled(t, db, "h")
	batchInFlight(t, db, insertBatch, "h", testSeries, 1)()
	table := ask[string](t, db, `select cast(cast(tableoid as regclass) as text) from documents`)
	for _, statement := range []string{`update %s set number = 2`, `delete from %s`, `truncate %s`, `truncate %s cascade`} {
		for _, of := range []string{"documents", table} {
			if _, err := db.rest.ExecContext(t.Context(), fmt.Sprintf(statement, of)); err == nil {
				t.Errorf(statement+" was not refused", of)
			}
		}
	}
	line, err := db.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer line.keep()
	if _, err := line.conn.ExecContext(t.Context(), `insert into `+table+` select * from `+table); !refused(err) {
		t.Errorf("the writer wrote past the wall: %v", err)
	}
	for name, set := range map[string]*sqlx.DB{"reader": db.reads, "settler": db.settling, "auditor": db.audits} {
		if _, err := set.ExecContext(t.Context(), `select from `+table); !refused(err) {
			t.Errorf("the %s read %s past the wall: %v", name, table, err)
		}
	}
	for tenant, want := range map[string]int{"another": 0, testSeries.Tenant: 1} {
		var seen int
		err := db.read(t.Context(), tenant, "look", func(q sqlx.QueryerContext) error {
			return sqlx.GetContext(t.Context(), q, &seen, `select count(*) from documents`)
		})
		if err != nil || seen != want {
			t.Errorf("%s saw %d documents, %v; want %d", tenant, seen, err, want)
		}
	}
}

// What asks for requests of some tenants reads the partitions of those tenants only.
func TestALookUpReadsThePartitionsOfItsTenants(t *testing.T) {
	t.Parallel()
	db := onPartitions(t)
	enrolled(t, db, "h")
	batchInFlight(t, db, insertBatch, "h", testSeries, 1)()
	var lines []string
	err := db.lookUps.SelectContext(t.Context(), &lines, `explain (analyze, costs off, timing off) `+lookUpBatch,
		`{acme}`, `{invoice}`, `{2026}`, `{1}`, `{"s:test-h-1"}`, `{0}`, `{P-h-1}`)
	if err != nil {
		t.Fatal(err)
	}
	read := make(map[string]bool)
	for _, line := range lines {
		if _, table, found := strings.Cut(line, " on documents_"); found && !strings.Contains(line, "never executed") {
			read[strings.Fields(table)[0]] = true
		}
	}
	if len(read) != 1 {
		t.Errorf("read partitions %v, want one:\n%s", read, strings.Join(lines, "\n"))
	}
}

// What docs/scale.md counts with.
func TestAReplicaOpensAsManyConnectionsAsScaleSays(t *testing.T) {
	t.Parallel()
	db, err := Open(DBConfig{URL: server.url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	most := 0
	for _, set := range db.sets() {
		most += set.Stats().MaxOpenConnections
	}
	text, err := os.ReadFile("../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{fmt.Sprintf("A replica opens at most %d to Postgres", most), fmt.Sprintf("| connections | %d |", most)} {
		if !strings.Contains(string(text), said) {
			t.Errorf("docs/scale.md does not say %q", said)
		}
	}
}

// Documents, and all that is a tenant's, can be divided by tenant: each unique key
// begins with it. docs/scale.md names what is not a tenant's.
func TestEveryUniqueKeyBeginsWithTheTenant(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	var others []string
	err := db.rest.SelectContext(t.Context(), &others, `
		select distinct cast(cast(i.indrelid as regclass) as text) from pg_index i
		join pg_class c on c.oid = i.indrelid
		join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
		where i.indisunique and c.relnamespace = cast(current_schema as regnamespace)
			and a.attname <> 'tenant' and (c.relname, a.attname) <> ('tenants', 'name')
		order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"api_key_uses", "api_keys", "goose_db_version", "holders", "import_parts", "import_rows", "import_series", "imports",
		"restores", "strict_era", "sweeps"}
	if diff := cmp.Diff(want, others); diff != "" {
		t.Errorf("tables that are not by tenant, stated (-) and found (+); say in docs/scale.md what crosses tenants:\n%s", diff)
	}
}
