package doctor

import (
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/invoices"
)

func TestTooFewConnectionsAreFound(t *testing.T) {
	store := &etcdstore.Store{Client: clientOf(t), TTL: 60}
	reg, err := store.Register(within(t), counter.Holder{Name: "pod.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close(within(t))
	t.Cleanup(func() { administer(t, `alter database books connection limit -1`) })
	for limit, want := range map[string]wrong{
		"20": {Fault, "postgres/connections", "max_connections"},
		"40": {Warning, "postgres/connections", "max_connections"},
	} {
		administer(t, `alter database books connection limit `+limit)
		find(t, healthy(), want)
	}
	administer(t, `alter database books connection limit 60`)
	find(t, healthy())
}

// crowd opens connections to a database as another user does, until the test ends.
func crowd(t *testing.T, in string, count int) {
	t.Helper()
	administer(t, `create role another login`)
	u, err := url.Parse(stores.postgres.URL(in))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User("another")
	db, err := sql.Open("postgres", u.String())
	if err != nil {
		t.Fatal(err)
	}
	var all []*sql.Conn
	t.Cleanup(func() {
		for _, c := range all {
			c.Close()
		}
		db.Close()
		eventually(t, "the others are gone", func() bool {
			return ask(t, `select count(*) from pg_stat_activity where usename = 'another'`) == "0"
		})
		administer(t, `drop role another`)
	})
	for range count {
		c, err := db.Conn(within(t))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
}

// What others use is not there for replicas, and is counted too by a user who may not
// see what they do.
func TestConnectionsOfOthersAreNotThereForReplicas(t *testing.T) {
	administer(t, `create role plain login in role folio_writer, folio_reader, folio_settler, folio_auditor`, `grant select on all tables in schema public to plain`)
	t.Cleanup(func() { administer(t, `drop owned by plain`, `drop role plain`) })
	p := healthy()
	p.Postgres = as(t, "plain", "", "")
	find(t, p)
	each := invoices.Connections(p.Postgres)
	room := roomOf(t, p.Postgres)
	t.Run("anywhere", func(t *testing.T) {
		crowd(t, "postgres", room.Most-room.Reserved-each+1)
		find(t, p, wrong{Fault, "postgres/connections", "see who else connects"})
	})
	t.Run("in this database", func(t *testing.T) {
		administer(t, fmt.Sprintf(`alter database books connection limit %d`, each+5))
		t.Cleanup(func() { administer(t, `alter database books connection limit -1`) })
		find(t, p)
		crowd(t, "books", 6)
		find(t, p, wrong{Fault, "postgres/connections", "see who else connects"})
	})
	find(t, p)
}

func roomOf(t *testing.T, cfg invoices.DBConfig) invoices.Room {
	t.Helper()
	e, err := invoices.Examine(within(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	room, err := e.Room(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return room
}

func TestHowManyReplicasThereAreIsNotGuessed(t *testing.T) {
	p := healthy()
	p.Endpoints = []string{"127.0.0.1:1"}
	r := find(t, p, wrong{Fault, "etcd/endpoint", "member runs"})
	for _, f := range r.Findings {
		if f.Check == "connections" && (f.State != Unknown || !strings.Contains(f.Seen, "is not known")) {
			t.Errorf("without etcd: %+v", f)
		}
	}
	t.Cleanup(func() { administer(t, `alter database books connection limit -1`) })
	administer(t, `alter database books connection limit 20`)
	find(t, p, wrong{Fault, "etcd/endpoint", "member runs"}, wrong{Fault, "postgres/connections", "max_connections"}) // not for one, however many there are
}
