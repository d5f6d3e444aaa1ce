package invoices

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// One of two replicas does it; when that one ends, or its connection does, the other
// goes on. A turn that fails is followed by another.
func TestADutyIsDoneByOneReplicaAtATime(t *testing.T) {
	t.Parallel()
	url := databaseFor(t)
	admin := open(t, url)
	var working, turns [2]atomic.Int64
	var duties [2]*Duty
	var stop [2]context.CancelFunc
	var running sync.WaitGroup
	for i := range duties {
		duties[i] = &Duty{DB: open(t, url), Name: "test", Every: 10 * time.Millisecond, Do: func(context.Context) error {
			working[i].Add(1)
			defer working[i].Add(-1)
			if working[1-i].Load() != 0 {
				t.Error("both work at once")
			}
			if turns[i].Add(1)%2 == 0 {
				return errors.New("this turn failed")
			}
			return nil
		}}
		var ctx context.Context
		ctx, stop[i] = context.WithCancel(t.Context())
		running.Go(func() { duties[i].Run(ctx) })
	}
	defer running.Wait()
	defer stop[0]()
	defer stop[1]()
	one := func() int { // the one on duty; -1: none, or both
		for i, d := range duties {
			if d.OnDuty() && !duties[1-i].OnDuty() {
				return i
			}
		}
		return -1
	}
	var first int
	eventually(t, "one is on duty", func() bool { first = one(); return first >= 0 && turns[first].Load() > 3 })
	if turns[1-first].Load() != 0 {
		t.Error("the other worked, too")
	}
	another := &Duty{DB: duties[1-first].DB, Name: "another"}
	held, err := another.hold(t.Context(), nil)
	if err != nil || held == nil {
		t.Errorf("a duty of another name is held up: %v", err)
	}
	another.leave(held)
	admin.exec(t, `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`)
	was := turns[0].Load() + turns[1].Load()
	eventually(t, "the work goes on after the connection was cut", func() bool { return turns[0].Load()+turns[1].Load() > was+3 })
	last := -1
	eventually(t, "one is on duty again", func() bool { last = one(); return last >= 0 })
	stop[last]()
	was = turns[1-last].Load()
	eventually(t, "the other takes over", func() bool { return turns[1-last].Load() > was+3 })
}
