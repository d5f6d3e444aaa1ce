package invoices

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"folio/counter/countertest"

	"github.com/jmoiron/sqlx"
)

// notes are Notes in memory.
type notes struct {
	mu   sync.Mutex
	text string
	err  error // of every call; nil: they succeed
}

func (n *notes) LoadNote(context.Context) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text, n.err
}

func (n *notes) SwapNote(_ context.Context, old, next string) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err != nil || n.text != old {
		return false, n.err
	}
	n.text = next
	return true, nil
}

// says replaces the note.
func (n *notes) says(t testing.TB, s standing) {
	t.Helper()
	text, err := s.note(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text = text
}

func (n *notes) read(t testing.TB) standing {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	s, err := parseNote(n.text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// watched opens a database behind the gate of w.
func watched(t testing.TB, url string, w *Witness) *DB {
	t.Helper()
	db, err := Open(DBConfig{URL: url, Witness: w})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// load is w.Load that must succeed.
func load(t testing.TB, w *Witness) {
	t.Helper()
	if err := w.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// stand is how far db has come.
func stand(t testing.TB, db *DB) standing {
	t.Helper()
	s, err := db.standing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAPostgresThatIsBehindIsReadAndNotWrittenTo(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	direct, told := open(t, url), &notes{}
	ahead := stand(t, direct)
	ahead.lsn += 1 << 40
	told.says(t, ahead)
	w := &Witness{Notes: told}
	db := watched(t, url, w)
	load(t, w)
	for name, set := range map[string]*sqlx.DB{"batches": db.batches, "lookUps": db.lookUps, "settling": db.settling} {
		if err := set.PingContext(t.Context()); !errors.Is(err, ErrBehind) {
			t.Errorf("%s: %v, want ErrBehind", name, err)
		}
	}
	for name, set := range map[string]*sqlx.DB{"reads": db.reads, "audits": db.audits, "rest": db.rest} {
		if err := set.PingContext(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Refusal(); !errors.Is(err, ErrBehind) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("the refusal is %v", err)
	}
	if _, err := (&Owner{DB: db}).Enroll(t.Context(), "h"); !errors.Is(err, ErrBehind) {
		t.Errorf("enrolled: %v", err)
	}

	era, err := direct.RaiseEpoch(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.settling.PingContext(t.Context()); !errors.Is(err, ErrResuming) {
		t.Errorf("an announced restore that is not accounted for: %v, want ErrResuming", err)
	}
	if err := direct.Resume(t.Context(), era, true); err != nil {
		t.Fatal(err)
	}
	enrolled(t, db, "h")
	if err := w.Refusal(); err != nil {
		t.Errorf("the refusal is still %v", err)
	}
}

func TestARequestIsToldAtOnceThatPostgresIsBehind(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	direct, told := open(t, url), &notes{}
	who := newTenant(t, direct, "acme")
	w := &Witness{Notes: told}
	db := watched(t, url, w)
	load(t, w)
	r := newReplica(t, db, &countertest.Mem{})
	r.mustIssue(t, request(who, "one", "n"))

	ahead := stand(t, direct)
	ahead.beat++
	ahead.timeline++ // so that connections pass again
	w.learn(ahead)
	for _, id := range []string{"", "one", "two"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := r.Issue(ctx, request(who, id, "n")); !errors.Is(err, ErrBehind) || ctx.Err() != nil {
			t.Errorf("request %q: %v, want ErrBehind", id, err)
		}
		if _, err := r.TakeNumbers(ctx, NumbersRequest{Identity: who, ID: id + "n", Series: "invoice", Count: 2}); !errors.Is(err, ErrBehind) {
			t.Errorf("numbers %q: %v, want ErrBehind", id, err)
		}
	}
	if n := ask[int](t, direct, `select count(*) from documents`); n != 1 {
		t.Errorf("%d documents", n)
	}
}

func TestNothingIsWrittenBeforeTheNoteWasRead(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	told := &notes{err: errors.New("etcd is away")}
	w := &Witness{Notes: told}
	db := watched(t, url, w)
	if err := w.Load(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("loaded: %v", err)
	}
	if err := db.settling.PingContext(t.Context()); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrBehind) {
		t.Errorf("written to before the note was read: %v", err)
	}
	told.err, told.text = nil, `{"v":7}`
	if err := w.Load(t.Context()); err == nil {
		t.Error("a note of another format was read")
	}
	if err := db.settling.PingContext(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("written to although the note cannot be read: %v", err)
	}
	told.text = ""
	load(t, w)
	told.err = errors.New("etcd is away again") // what is in memory serves
	enrolled(t, db, "h")
}

func TestWhatIsNotedIsOnDisk(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	direct, w := open(t, url), &Witness{Notes: &notes{}}
	db := watched(t, url, w)
	load(t, w)
	db.exec(t, `create table busy (n int)`)
	for range 50 {
		db.exec(t, `set synchronous_commit = off; insert into busy select generate_series(1, 500); reset synchronous_commit`)
		w.look(t.Context(), db)
		flushed, err := parseLSN(ask[string](t, direct, `select cast(pg_current_wal_flush_lsn() as text)`))
		if err != nil || w.noted.lsn > flushed {
			t.Fatalf("%s is noted, %s is on disk, %v", w.noted, flushed, err)
		}
	}
	if w.noted.lsn == 0 {
		t.Error("nothing was noted: the test shows nothing")
	}
}

// What was read is noted when a later read finds it on disk, and not before.
func TestAPlaceIsNotedWhenALaterReadFindsItOnDisk(t *testing.T) {
	t.Parallel()
	w := &Witness{Notes: &notes{}}
	for _, row := range []struct{ now, flushed, noted string }{
		{"0.00000001.7 0/100", "0/100", ""}, // a first read has nothing before it
		{"0.00000001.7 0/200", "0/F0", ""},
		{"0.00000001.7 0/300", "0/FF", ""},
		{"0.00000001.7 0/400", "0/350", "0.00000001.7 0/100"},
		{"0.00000001.7 0/500", "0/500", "0.00000001.7 0/400"},
		{"0.00000002.7 0/480", "0/480", "0.00000001.7 0/400"}, // another server: what was read on the old one is nothing to it
		{"0.00000002.7 0/490", "0/490", "0.00000002.7 0/480"},
	} {
		flushed, err := parseLSN(row.flushed)
		if err != nil {
			t.Fatal(err)
		}
		w.saw(stands(t, row.now), flushed)
		if want := stands(t, row.noted); w.noted != want {
			t.Errorf("at %s, on disk to %s: noted is %s, want %s", row.now, flushed, w.noted, want)
		}
	}
}

// Each of many replicas notes what it has seen; the note is never lowered, and a few
// of them count beats for all.
func TestReplicasRaiseTheNoteTogether(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	told := &notes{}
	var replicas []*Witness
	var dbs []*DB
	for range 4 {
		w := &Witness{Notes: told}
		load(t, w)
		replicas, dbs = append(replicas, w), append(dbs, watched(t, url, w))
	}
	var noted standing
	for range 10 {
		var raising sync.WaitGroup
		for i, w := range replicas {
			raising.Go(func() {
				if err := w.raise(t.Context(), dbs[i], w.beaten); err != nil {
					t.Error(err)
				}
			})
		}
		raising.Wait()
		now := told.read(t)
		if later(noted, now) != now || now.lsn <= noted.lsn {
			t.Fatalf("the note went from %s to %s", noted, now)
		}
		noted = now
	}
	if noted.beat < 10 || noted.beat >= 40 {
		t.Errorf("%d beats in ten rounds of four replicas", noted.beat)
	}
	if in := stand(t, dbs[0]); noted.refuses(in) != nil {
		t.Errorf("%s was noted, Postgres stands at %s", noted, in)
	}
}

// The order in which a connection is compared: what was noted is looked up before the
// server is asked, so that one that goes on meanwhile is not taken for behind.
func TestAServerThatGoesOnMeanwhileIsNotTakenForOneThatIsBehind(t *testing.T) {
	t.Parallel()
	w := &Witness{Notes: &notes{}}
	load(t, w)
	w.learn(stands(t, "0.00000001.7 0/100 1"))
	_, err := w.admit(func() (string, error) {
		w.learn(stands(t, "0.00000001.7 0/200 2")) // another connection is quicker
		return "0.00000001.7 0/150 1 0", nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A connection that is open to an old primary is given up once another era is noted.
func TestAnOpenConnectionPassesTheGateAgainInAnotherEra(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	direct, moved := open(t, url), 0
	w := &Witness{Notes: &notes{}, Moved: func() { moved++ }}
	db := watched(t, url, w)
	load(t, w)
	w.learn(stand(t, direct))
	enrolled(t, db, "h")
	line, err := db.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer line.drop()
	if stale(line.conn) || moved != 0 {
		t.Fatalf("it is stale at once, or moved %d times", moved)
	}
	promoted := stand(t, direct)
	promoted.timeline++
	w.learn(promoted)
	if !stale(line.conn) || moved != 1 {
		t.Errorf("the line is not stale, or moved %d times", moved)
	}
	if err := db.settling.PingContext(t.Context()); !errors.Is(err, ErrBehind) {
		t.Errorf("the old primary is used: %v", err)
	}
}

func TestAWitnessWatchesPostgresAndNotesItsEnd(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	direct, told := open(t, url), &notes{}
	w := &Witness{Notes: told, Every: time.Hour}
	db := watched(t, url, w)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx, db) }()
	eventually(t, "it is noted", func() bool { return told.read(t).beat == 1 })
	direct.exec(t, `create table grown as select generate_series(1, 10000) as n`)
	at := stand(t, direct)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := told.read(t); got.lsn < at.lsn {
		t.Errorf("noted %s at its end, Postgres was at %s", got, at)
	}
}
