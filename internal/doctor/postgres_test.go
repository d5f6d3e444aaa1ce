package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"folio/internal/devcluster/postgres"
	"folio/invoices"
)

func TestAHealthyPairIsClean(t *testing.T) {
	r := find(t, healthy())
	for _, f := range r.Findings {
		if f.State != OK {
			t.Errorf("%+v", f)
		}
	}
	if len(r.Findings) < 20 {
		t.Errorf("only %d findings", len(r.Findings))
	}
}

func TestASettingThatMayLoseInvoicesIsFound(t *testing.T) {
	for name, check := range map[string]string{"fsync": "fsync", "full_page_writes": "full-page-writes", "synchronous_commit": "synchronous-commit"} {
		t.Run(name, func(t *testing.T) {
			set(t, name+" = off")
			find(t, healthy(), wrong{Fault, "postgres/" + check, "set " + name + " = on in postgresql.conf"})
		})
	}
}

// What a database, a role or a URL says counts, not what the server's file does.
func TestASettingOfTheDatabaseTheRoleOrTheURLIsFound(t *testing.T) {
	const name = "synchronous_commit"
	for where, c := range map[string]struct{ off, on, do string }{
		"database":      {"alter database books set synchronous_commit = off", "alter database books reset synchronous_commit", "alter database books reset " + name},
		"role":          {"alter role postgres set synchronous_commit = off", "alter role postgres reset synchronous_commit", "alter role postgres reset " + name},
		"role in books": {"alter role postgres in database books set synchronous_commit = off", "alter role postgres in database books reset synchronous_commit", "alter role postgres in database books reset " + name},
	} {
		t.Run(where, func(t *testing.T) {
			administer(t, c.off)
			t.Cleanup(func() { administer(t, c.on) })
			find(t, healthy(), wrong{Fault, "postgres/synchronous-commit", c.do})
		})
	}
	p := healthy()
	p.Postgres.URL += "&synchronous_commit=off"
	find(t, p, wrong{Fault, "postgres/synchronous-commit", "out of the database URL"})
}

func TestAWalThatNobodyCanFollowIsFound(t *testing.T) {
	set(t, "wal_level = minimal", "max_wal_senders = 0")
	restart(t)
	t.Cleanup(func() { restart(t) })
	t.Cleanup(func() { administer(t, "alter system reset all") })
	find(t, healthy(), wrong{Warning, "postgres/wal-level", "wal_level = replica"})
}

func restart(t *testing.T) {
	t.Helper()
	if err := stores.postgres.Restart(within(t), postgres.Fast); err != nil {
		t.Fatal(err)
	}
}

func TestAStandbyIsFound(t *testing.T) {
	standby, err := stores.postgres.StartReplica(within(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Stop(within(t)); err != nil {
			t.Error(err)
		}
	})
	p := healthy()
	p.Postgres.URL = standby.URL(database)
	find(t, p, wrong{Fault, "postgres/standby", "name the primary"})
}

func TestASchemaThatIsMissingOrTooOldIsFound(t *testing.T) {
	p := healthy()
	p.Postgres.URL = stores.postgres.URL("postgres")
	find(t, p, wrong{Fault, "postgres/schema", "folio migrate"})
	newest := ask(t, `select max(version_id) from goose_db_version`)
	administer(t, `update goose_db_version set is_applied = false where version_id = `+newest)
	t.Cleanup(func() { administer(t, `update goose_db_version set is_applied = true where version_id = `+newest) })
	find(t, healthy(), wrong{Fault, "postgres/schema", "folio migrate"})
}

func TestAWrongPasswordOrUserIsFound(t *testing.T) {
	administer(t, `create role asked login superuser password 'right'`)
	t.Cleanup(func() { administer(t, `drop role asked`) })
	hba := func(lines ...string) {
		t.Helper()
		administer(t, `copy (select line from unnest(string_to_array(`+pq.QuoteLiteral(strings.Join(lines, "|"))+`, '|')) as line)
			to `+pq.QuoteLiteral(ask(t, `show hba_file`)))
		settle(t)
	}
	const freely = "host all all 127.0.0.1/32 trust"
	hba("host all asked 127.0.0.1/32 scram-sha-256", freely, "host replication all 127.0.0.1/32 trust")
	t.Cleanup(func() { hba(freely, "host replication all 127.0.0.1/32 trust") })
	p := healthy()
	p.Postgres = as(t, "asked", "right", "")
	find(t, p)
	p.Postgres = as(t, "asked", "wrong", "")
	r := find(t, p, wrong{Fault, "postgres/connect", "FOLIO_DATABASE_URL"})
	for _, f := range r.Findings {
		if strings.Contains(f.On+f.Seen+f.Do, "wrong") {
			t.Errorf("it tells the password: %+v", f)
		}
	}
	p.Postgres = as(t, "nobody-of-that-name", "", "")
	find(t, p, wrong{Fault, "postgres/connect", "FOLIO_DATABASE_URL"})
	p.Postgres = invoices.DBConfig{URLFile: t.TempDir() + "/none"}
	find(t, p, wrong{Fault, "postgres/connect", "the file of FOLIO_DATABASE_URL_FILE"})
	p.Postgres = invoices.DBConfig{URL: stores.postgres.URL("none")}
	find(t, p, wrong{Fault, "postgres/connect", "make the database"})
	p.Postgres = invoices.DBConfig{URL: "postgres://127.0.0.1:1/books?sslmode=disable"}
	find(t, p, wrong{Fault, "postgres/connect", "whether Postgres runs"})
}

func TestAUserWhoMayNotTakeTheRolesIsFound(t *testing.T) {
	administer(t, `create role plain login`, `grant select on all tables in schema public to plain`, `grant folio_reader to plain`)
	t.Cleanup(func() { administer(t, `drop owned by plain`, `drop role plain`) })
	p := healthy()
	p.Postgres = as(t, "plain", "", "")
	find(t, p, wrong{Fault, "postgres/roles", "grant folio_writer, folio_settler, folio_auditor to"})
}

func TestAStandbyThatIsRequiredAndMissingIsFound(t *testing.T) {
	p := healthy()
	p.RequireSync = true
	find(t, p, wrong{Fault, "postgres/replication", "name the standbys"})
	set(t, "synchronous_standby_names = 'nobody'")
	find(t, p, wrong{Fault, "postgres/replication", "start a standby"})
	p.Postgres.URL += "&synchronous_commit=local"
	find(t, p, wrong{Fault, "postgres/replication", "out of the database URL"})
}

func TestAPostgresThatIsBehindIsFound(t *testing.T) {
	system := ask(t, `select system_identifier from pg_control_system()`)
	ctx := within(t)
	note := `{"v":1,"epoch":0,"system":"` + system + `","timeline":1,"lsn":"FF/0","beat":0,"at":"2026-11-24T12:00:00Z"}`
	if err := stores.etcd.Put(ctx, "/folio/postgres", note); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stores.etcd.Delete(ctx, "/folio/postgres"); err != nil {
			t.Error(err)
		}
	})
	find(t, healthy(), wrong{Fault, "postgres/standing", "folio restored"})
}

func TestAClockThatIsWrongIsFound(t *testing.T) {
	for ahead, want := range map[time.Duration]State{-time.Hour: Fault, -5 * time.Second: Warning, 5 * time.Second: Warning, 2 * time.Minute: Fault} {
		p := healthy()
		p.Now = func() time.Time { return time.Now().Add(ahead) }
		find(t, p, wrong{want, "clock/postgres", "time servers"})
	}
	p := healthy()
	p.Now = func() time.Time { return time.Now().Add(900 * time.Millisecond) }
	find(t, p)
}
