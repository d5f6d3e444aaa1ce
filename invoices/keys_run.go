package invoices

import (
	"context"
	"log/slog"
	"time"

	"github.com/lib/pq"
)

// Run stores when keys were used. It returns nil when ctx has ended and the last uses
// are stored.
func (k *Keys) Run(ctx context.Context) error {
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
	return nil
}

// use notes that a key is used now, once a second at most.
func (k *Keys) use(known *knownKey) {
	now := time.Now().Unix()
	if last := known.used.Load(); last != now && known.used.CompareAndSwap(last, now) {
		k.noteUse(known.who.KeyID)
	}
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
