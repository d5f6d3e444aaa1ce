package invoices

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Listener hears from Postgres what changes, for all who ask for keys and for the rules
// of series by the same DB: they believe what they know for a minute then, and forget at
// once what has changed. Without it, or while it hears nothing, they believe what is less
// than a second old. DB is required; one Listener runs for it.
type Listener struct {
	DB  *DB
	Log *slog.Logger // nil: none
}

// listenEvery is how often the connection that listens is looked at: so long a
// change takes at most to be heard.
const listenEvery = 100 * time.Millisecond

// Run listens until ctx ends, and returns nil.
func (l *Listener) Run(ctx context.Context) error {
	for failed := 0; ctx.Err() == nil; failed++ {
		heard, err := l.listen(ctx)
		if heard {
			failed = 0
		}
		if ctx.Err() != nil {
			continue
		}
		if err == nil { // it ended as planned: what fails next is told
			failed = -1
			continue
		}
		if failed == 0 && l.Log != nil { // once for each time that it breaks
			l.Log.Warn("not told of changes for now; keys and series are looked up each second", "error", err)
		}
		pause(ctx, failed)
	}
	return nil
}

// listen hears of changes until ctx ends, the connection breaks, or its life is over;
// heard tells whether it ever could. The connection is bounded as all are: the driver's own
// listener would open one that is not, with goroutines that nobody can wait for.
func (l *Listener) listen(ctx context.Context) (heard bool, err error) {
	turn := l.DB.witness.turns()
	conn, err := l.DB.hearing.Connx(ctx)
	if err != nil {
		return false, wrap("connect to Postgres to listen", err)
	}
	defer discard(conn) // it listens: nobody else may have it
	var anew bool
	err = conn.Raw(func(c any) error {
		pq.SetNotificationHandler(c.(driver.Conn), func(n *pq.Notification) {
			about := subjectOf(n.Extra)
			l.DB.changes.note(about)
			anew = anew || about == subject{}
		})
		return nil
	})
	if err == nil {
		_, err = conn.ExecContext(ctx, `listen folio_tenants; listen folio_series`)
	}
	if err == nil {
		err = l.begin(ctx, conn)
	}
	if err != nil {
		return false, wrap("listen to Postgres", err)
	}
	ticker := time.NewTicker(listenEvery)
	defer ticker.Stop()
	for end := time.Now().Add(l.DB.stay()); time.Now().Before(end); {
		sent := time.Now()
		// An answer brings the notifications before it.
		if _, err = conn.ExecContext(ctx, `select 1`); err == nil && anew {
			anew = false // before it asks: what it hears meanwhile makes it ask again
			err = l.begin(ctx, conn)
		}
		if err != nil {
			return true, wrap("listen to Postgres", err)
		}
		if l.DB.witness.turns() != turn {
			// Another server is the primary: what is changed there nobody tells here.
			l.DB.changes.note(subject{})
			return true, nil
		}
		l.DB.changes.hear(sent)
		select {
		case <-ctx.Done():
			return true, nil
		case <-ticker.C:
		}
	}
	return true, nil
}

// begin asks whether this database tells of every change, by the triggers of migration
// 0014. One of before tells of some: of what it does not tell nobody may go without
// asking.
func (l *Listener) begin(ctx context.Context, conn *sqlx.Conn) error {
	sent := time.Now()
	var told bool
	const query = `
		select count(*) = 6 from pg_trigger
		where tgname in ('api_keys_told', 'api_keys_gone_told', 'tenants_told', 'tenants_gone_told', 'series_told', 'series_gone_told')
			and tgrelid in (to_regclass('api_keys'), to_regclass('tenants'), to_regclass('series')) and tgenabled in ('O', 'A')`
	if err := conn.GetContext(ctx, &told, query); err != nil {
		return wrap("ask whether the database tells of changes", err)
	}
	l.DB.changes.begin(sent, told)
	return nil
}

// subjectOf reads what a notification is about: a tenant, "tenant/series", or "" for
// everything, the triggers among it.
func subjectOf(payload string) subject {
	tenant, series, _ := strings.Cut(payload, "/")
	return subject{tenant, series}
}
