package invoices

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"time"

	"github.com/lib/pq"
	"golang.org/x/sync/errgroup"
)

// listenEvery is how often the connection that listens is looked at: so long a
// change takes at most to be heard.
const listenEvery = 100 * time.Millisecond

// Run makes Authenticate forget at once what has changed about a tenant or its
// keys, instead of a second later, and stores when keys were used. It returns nil
// when ctx has ended and the last uses are stored. Without it, or while Postgres
// cannot be listened to, Authenticate still believes nothing older than a second.
func (k *Keys) Run(ctx context.Context) error {
	var parts errgroup.Group
	parts.Go(func() error {
		k.keepListening(ctx)
		return nil
	})
	parts.Go(func() error {
		k.keepStoringUses(ctx)
		return nil
	})
	return parts.Wait()
}

func (k *Keys) keepListening(ctx context.Context) {
	for failed := 0; ctx.Err() == nil; failed++ {
		heard, err := k.listen(ctx)
		if heard {
			failed = 0
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			continue
		}
		if failed == 0 { // once for each time that it breaks
			k.log().Warn("not told of changed keys for now; they are looked up each second", "error", err)
		}
		pause(ctx, failed)
	}
}

// listen hears of changes until ctx ends, the connection breaks, or its life is over;
// heard tells whether it ever could. The connection is bounded as all are: the driver's own
// listener would open one that is not, with goroutines that nobody can wait for.
func (k *Keys) listen(ctx context.Context) (heard bool, err error) {
	conn, err := k.DB.hearing.Connx(ctx)
	if err != nil {
		return false, wrap("connect to Postgres to listen", err)
	}
	defer discard(conn) // it listens: nobody else may have it
	err = conn.Raw(func(c any) error {
		pq.SetNotificationHandler(c.(driver.Conn), func(n *pq.Notification) {
			k.known.drop(func(who *Identity) bool { return who != nil && who.Tenant == n.Extra })
		})
		return nil
	})
	if err == nil {
		_, err = conn.ExecContext(ctx, `listen folio_tenants`)
	}
	if err != nil {
		return false, wrap("listen to Postgres", err)
	}
	k.known.drop(func(*Identity) bool { return true }) // of what changed before, nobody told
	ticker := time.NewTicker(listenEvery)
	defer ticker.Stop()
	for end := time.Now().Add(k.DB.stay()); time.Now().Before(end); {
		// An answer brings the notifications before it.
		if _, err := conn.ExecContext(ctx, `select 1`); err != nil {
			return true, wrap("listen to Postgres", err)
		}
		select {
		case <-ctx.Done():
			return true, nil
		case <-ticker.C:
		}
	}
	return true, nil
}

// noteUse remembers that a key is used now, to be stored later.
func (k *Keys) noteUse(keyID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.uses == nil {
		k.uses = make(map[string]time.Time)
	}
	k.uses[keyID] = time.Now().UTC()
}

func (k *Keys) keepStoringUses(ctx context.Context) {
	ticker := time.NewTicker(orDefault(k.UsesEvery, time.Minute))
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
		storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		if err := k.storeUses(storing); err != nil {
			k.log().Warn("when keys were last used is not stored yet", "error", err)
		}
		cancel()
	}
}

// storeUses stores the uses that were noted since the last time, all in one
// statement, in one order in all replicas. Executed twice it changes nothing more.
// What cannot be stored is kept for the next time.
func (k *Keys) storeUses(ctx context.Context) error {
	k.mu.Lock()
	uses := k.uses
	k.uses = nil
	k.mu.Unlock()
	if len(uses) == 0 {
		return nil
	}
	var ids, times []string
	for id, at := range uses {
		ids, times = append(ids, id), append(times, at.Format(time.RFC3339Nano))
	}
	const insert = `
		insert into api_key_uses (key_id, last_used_at)
		select q.key_id, q.at from unnest(cast($1 as text[]), cast($2 as timestamptz[])) as q (key_id, at)
		order by q.key_id collate "C"
		on conflict (key_id) do update set last_used_at = excluded.last_used_at
		where api_key_uses.last_used_at < excluded.last_used_at`
	if _, err := k.DB.lookUps.ExecContext(ctx, insert, pq.Array(ids), pq.Array(times)); err != nil {
		k.keepUses(uses)
		return wrap("store when API keys were used", err)
	}
	return nil
}

// keepUses puts back what could not be stored, behind what was noted since.
func (k *Keys) keepUses(uses map[string]time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, at := range k.uses {
		uses[id] = at
	}
	k.uses = uses
}

func (k *Keys) log() *slog.Logger {
	if k.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return k.Log
}
