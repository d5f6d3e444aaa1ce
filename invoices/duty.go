package invoices

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
)

// Duty is work that one replica at a time does again and again: the one that holds an
// advisory lock of Postgres, on a connection that it keeps. When that connection ends,
// another may take over while this one still works: two turns at once must be
// harmless. All fields but Log are required.
type Duty struct {
	DB    *DB
	Name  string        // of the lock; in a database one replica does what is named so
	Every time.Duration // from the end of a turn to the next, give or take a fifth
	Do    func(ctx context.Context) error
	Log   *slog.Logger // nil: nobody is told of turns that fail

	on    atomic.Bool
	until time.Time // when the life of the connection is over
}

// OnDuty reports whether this replica does it at present.
func (d *Duty) OnDuty() bool { return d.on.Load() }

// Run takes turns, or waits to, until ctx ends. A turn that fails is logged, the next
// comes at its time.
func (d *Duty) Run(ctx context.Context) {
	var held *sqlx.Conn
	defer func() { d.leave(held) }()
	for wait := rand.N(d.Every/5 + 1); sleepFor(ctx, wait); wait = d.Every*4/5 + rand.N(d.Every*2/5+1) {
		var err error
		if held, err = d.hold(ctx, held); err == nil && held != nil {
			err = d.Do(ctx)
		}
		if err != nil && ctx.Err() == nil && d.Log != nil {
			d.Log.Warn("a duty was not done, it is tried again", "duty", d.Name, "error", err)
		}
	}
}

// hold returns the connection that has the lock; nil if another replica has it.
func (d *Duty) hold(ctx context.Context, held *sqlx.Conn) (*sqlx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dutyTimeout)
	defer cancel()
	if held != nil {
		if err := held.PingContext(ctx); err == nil && time.Now().Before(d.until) {
			return held, nil
		}
		d.leave(held) // so is the lock
	}
	conn, err := d.DB.duties.Connx(ctx)
	if err != nil {
		return nil, wrap("ask for the duty "+d.Name, err)
	}
	var got bool
	// A replica that was stopped in its tracks says nothing more, and its session ends.
	const try = `
		select pg_try_advisory_lock(hashtext('folio duty'), hashtext($1))
		from (select set_config('idle_session_timeout', $2, false)) s`
	if err := conn.GetContext(ctx, &got, try, d.Name, fmt.Sprint(d.silence().Milliseconds())); err != nil {
		discard(conn)
		return nil, wrap("ask for the duty "+d.Name, err)
	}
	if !got {
		return nil, wrap("ask for the duty "+d.Name, conn.Close()) // hands it back
	}
	d.until = time.Now().Add(d.DB.stay())
	d.on.Store(true)
	return conn, nil
}

// leave closes the connection itself, which lets the lock go.
func (d *Duty) leave(held *sqlx.Conn) {
	d.on.Store(false)
	if held != nil {
		discard(held)
	}
}

const (
	dutyTimeout = 5 * time.Second // bounds asking for the lock
	dutySilence = 5 * time.Minute // a turn that takes longer may lose the lock
)

// silence is how long nothing may be heard of who is on duty, who rests between turns:
// if it were shorter than that, another would take over each time, and both would
// believe that they are.
func (d *Duty) silence() time.Duration { return dutySilence + 2*d.Every }

// sleepFor reports false if ctx ended first.
func sleepFor(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
