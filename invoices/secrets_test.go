package invoices

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"folio/counter/countertest"
	"folio/internal/devcluster/postgres"
)

// asking is a server that asks the user folio for a password, and a folder of secrets.
type asking struct {
	*DB    // of its administrator, who is not asked
	server *postgres.Server
	dir    string
}

// hba is who may connect how: the user folio by what is said, everybody else freely.
func (a *asking) hba(t *testing.T, kind, how string) {
	t.Helper()
	a.file(t, ask[string](t, a.DB, `show hba_file`), kind+" all folio 127.0.0.1/32 "+how+"\nhost all all 127.0.0.1/32 trust\n")
	a.reload(t)
}

// file has the server write a file of its own.
func (a *asking) file(t *testing.T, path, text string) {
	t.Helper()
	a.exec(t, `copy (select line from unnest(string_to_array(`+pq.QuoteLiteral(strings.TrimSpace(text))+`, E'\n')) as line)
		to program `+pq.QuoteLiteral("umask 077; cat > "+path))
}

func (a *asking) reload(t *testing.T) {
	t.Helper()
	before := ask[time.Time](t, a.DB, `select pg_conf_load_time()`)
	a.exec(t, `select pg_reload_conf()`)
	eventually(t, "the settings are read again", func() bool {
		return ask[time.Time](t, open(t, a.server.URL("postgres")), `select pg_conf_load_time()`).After(before)
	})
}

func startAsking(t *testing.T) *asking {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, db := serverOfItsOwn(ctx, t)
	a := &asking{DB: db, server: s, dir: t.TempDir()}
	a.exec(t, `create role folio login superuser password 'first/:@ one'`)
	a.hba(t, "host", "scram-sha-256")
	return a
}

// address is where the user folio finds it.
func (a *asking) address(t *testing.T, password, more string) string {
	t.Helper()
	u, err := url.Parse(a.server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("folio", password)
	return u.String() + more
}

// put puts a secret in the place of the one before, whole, as a kubelet does.
func (a *asking) put(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(a.dir, name)
	err := errors.Join(os.WriteFile(path+".new", []byte(text), 0o600), os.Rename(path+".new", path))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (a *asking) openFile(t *testing.T, life time.Duration, text string) *DB {
	t.Helper()
	db, err := Open(DBConfig{URLFile: a.put(t, "url", text), Life: life})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Twelve writers and a reader go on while the password is rotated, three times, first
// in the file and then in Postgres. Connections live so shortly that each is made anew
// many times meanwhile.
func TestNoRequestFailsWhileThePasswordIsRotated(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	const life = 20 * time.Millisecond
	db := a.openFile(t, life, a.address(t, "first/:@ one", "")+"\n")
	who := newTenant(t, db, "acme")
	rep := newReplica(t, db, &countertest.Mem{})
	var writers sync.WaitGroup
	var issued, repeated atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	for w := range 12 {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				req := request(who, fmt.Sprintf("%d-%d", w, i), "rotating")
				again, err := twice(t, func(ctx context.Context) error { _, err := rep.Issue(ctx, req); return err })
				if err != nil {
					t.Errorf("issue %s: %v", req.ID, err)
					return
				}
				issued.Add(1)
				repeated.Add(again)
			}
		})
	}
	writers.Go(func() {
		for ctx.Err() == nil {
			if _, err := twice(t, func(ctx context.Context) error { return db.reads.PingContext(ctx) }); err != nil {
				t.Errorf("read: %v", err)
				return
			}
		}
	})
	goesOn := func() {
		from, end := issued.Load(), time.Now().Add(4*life)
		eventually(t, "invoices are issued", func() bool { return issued.Load() > from+50 && time.Now().After(end) })
	}
	goesOn()
	before := connectionsOf(t, a.DB)
	for _, password := range []string{"second", "third", "fourth"} {
		a.put(t, "url", a.address(t, password, ""))
		goesOn() // the server does not know the new one yet
		a.exec(t, `alter role folio password `+pq.QuoteLiteral(password))
		goesOn()
	}
	stop()
	writers.Wait()
	// Those that nobody uses are looked through each second.
	eventually(t, "no connection outlives the rotation", func() bool {
		for pid := range connectionsOf(t, a.DB) {
			if before[pid] {
				return false
			}
		}
		return true
	})
	t.Logf("%d issued, %d of them at the second try", issued.Load(), repeated.Load())
}

// twice does something as a client does that tries once more.
func twice(t *testing.T, do func(context.Context) error) (again int64, err error) {
	for again = range int64(2) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		err = do(ctx)
		cancel()
		if err == nil {
			break
		}
	}
	return again, err
}

// connectionsOf are the sessions of the user folio.
func connectionsOf(t *testing.T, db *DB) map[int]bool {
	t.Helper()
	var pids []int
	if err := db.rest.SelectContext(t.Context(), &pids, `select pid from pg_stat_activity where usename = 'folio'`); err != nil {
		t.Fatal(err)
	}
	all := make(map[int]bool)
	for _, pid := range pids {
		all[pid] = true
	}
	return all
}

// A server that knows the new password while the file does not refuses new connections:
// that is no fault of the request, and ends with the file.
func TestARefusedPasswordOfAFileIsTriedAgain(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	db := a.openFile(t, 0, a.address(t, "wrong", ""))
	if err := db.Ping(t.Context()); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "password authentication failed") {
		t.Errorf("got %v, want ErrUnavailable, and why", err)
	}
	a.put(t, "url", a.address(t, "first/:@ one", ""))
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(a.dir, "url")); err != nil {
		t.Fatal(err)
	}
	if _, err := db.rest.Connx(t.Context()); err != nil {
		t.Errorf("a connection that is open is refused: %v", err)
	}
	conn, err := db.reads.Connx(t.Context())
	if err == nil {
		conn.Close()
	}
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("without the file: %v, want ErrUnavailable", err)
	}
	fixed := open(t, a.address(t, "wrong", ""))
	if err := fixed.Ping(t.Context()); err == nil || errors.Is(err, ErrUnavailable) {
		t.Errorf("a wrong password that no file can mend: %v", err)
	}
}

// The file names a new user, whom the server lets in, before its rights are granted.
func TestAUserWithoutItsGrantsDoesNotReplaceTheOneBefore(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	db := a.openFile(t, time.Millisecond, a.address(t, "first/:@ one", ""))
	who := newTenant(t, db, "acme")
	rep := newReplica(t, db, &countertest.Mem{})
	rep.mustIssue(t, request(who, "before", "n"))
	of := func(set *sqlx.DB) (user string) {
		t.Helper()
		if err := set.GetContext(t.Context(), &user, `select session_user`); err != nil {
			t.Error(err)
		}
		return user
	}
	a.exec(t, `create role heir login in role `+roleReader) // one of four
	a.put(t, "url", strings.Replace(a.address(t, "", ""), "folio:", "heir:", 1))
	for range 3 { // connections live for a millisecond, so each is a new one
		for name, set := range map[string]*sqlx.DB{"rest": db.rest, "reads": db.reads, "lookups": db.lookUps} {
			time.Sleep(2 * time.Millisecond)
			if user := of(set); user != "folio" {
				t.Errorf("%s: connected as %s, who may only read yet", name, user)
			}
		}
	}
	rep.mustIssue(t, request(who, "meanwhile", "n"))
	a.exec(t, `grant `+strings.Join([]string{roleWriter, roleReader, roleSettler, roleAuditor}, ", ")+` to heir`)
	for _, set := range []*sqlx.DB{db.rest, db.reads, db.lookUps} {
		eventually(t, "the heir connects", func() bool { return of(set) == "heir" })
	}
	rep.mustIssue(t, request(who, "after", "n"))
}

func TestAnAddressThatCannotBeReadIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"postgres://folio:hunter2%zz@127.0.0.1/x", "postgres://folio:hun/hunter2@127.0.0.1/x", "host=127.0.0.1 password=a hunter2",
		"postgres://folio:\x7fhunter2@127.0.0.1", "host=127.0.0.1 password='hunter2", "hunter2",
	} {
		db, err := Open(DBConfig{URL: text})
		if err == nil {
			err = db.Ping(t.Context())
			db.Close()
		}
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "hun") {
			t.Errorf("%q: %v; want an error that does not tell the password", text, err)
		}
	}
	if _, err := Open(DBConfig{URLFile: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a file that is not there is no address")
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(DBConfig{URLFile: empty}); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("an empty file: %v", err)
	}
}
