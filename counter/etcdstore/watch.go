package etcdstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
)

// callText is the last call-in as people read it.
type callText struct {
	Series string    `json:"series"`
	Last   int64     `json:"last"`
	At     time.Time `json:"at"` // for people; nothing decides by it
}

// CallIn implements counter.Store: it writes the one small key that all watch.
func (s *Store) CallIn(ctx context.Context, series counter.Series, last int64) error {
	if err := validate(series); err != nil {
		return err
	}
	value, err := json.Marshal(callText{Series: series.String(), Last: last, At: time.Now().UTC()})
	if err != nil {
		return fmt.Errorf("call in %s: %w", series, err)
	}
	if _, err := s.Client.Put(ctx, called, string(value)); err != nil {
		return fmt.Errorf("call in %s: %w", series, err)
	}
	return nil
}

// lookForRestore is how often a watch makes sure that it is still in the same
// history: after a restore etcd is silent until its revisions have caught up.
const lookForRestore = time.Second

// Watch implements counter.Store.
func (s *Store) Watch(ctx context.Context, notify func(counter.Notice)) error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	restored, known := s.Restored(), s.history.before()
	callCtx, done := context.WithTimeout(ctx, 5*time.Second)
	defer done()
	got, err := s.get(callCtx, called)
	if err != nil {
		return fmt.Errorf("read the last call-in: %w", err)
	}
	for _, kv := range got.Kvs {
		tell(kv.Value, notify)
	}
	since := clientv3.WithRev(s.goOnFrom(restored, known, got.Header.Revision) + 1)
	calls := s.Client.Watch(ctx, called, since, clientv3.WithFilterDelete())
	ends := s.Client.Watch(ctx, holders, since, clientv3.WithPrefix(), clientv3.WithFilterPut())
	tick := time.NewTicker(lookForRestore)
	defer tick.Stop()
	for err == nil {
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case r, ok := <-calls:
			err = each(r, ok, func(e *clientv3.Event) { tell(e.Kv.Value, notify) })
		case r, ok := <-ends:
			err = each(r, ok, func(e *clientv3.Event) {
				notify(counter.Notice{Gone: strings.TrimPrefix(string(e.Kv.Key), holders)})
			})
		case <-tick.C:
			if s.Restored() != restored {
				err = errors.New("etcd is in another history")
			}
		}
	}
	if errors.Is(err, rpctypes.ErrCompacted) {
		s.history.jumped()
	}
	return fmt.Errorf("watch holders: %w", err)
}

// goOnFrom returns the revision after which a watch begins: where this store was when
// the watch before broke. If that is compacted by now, etcd says so, and the store may
// be in another history: a restore with bumped revisions shows in no other way.
func (s *Store) goOnFrom(restored, known, now int64) int64 {
	if known == 0 || known > now || s.Restored() != restored {
		return now
	}
	return known
}

func each(r clientv3.WatchResponse, ok bool, f func(*clientv3.Event)) error {
	if !ok {
		return errors.New("closed by etcd")
	}
	for _, e := range r.Events {
		f(e)
	}
	return r.Err()
}

// tell passes a call-in on. A value that is none was not written by folio.
func tell(value []byte, notify func(counter.Notice)) {
	var c callText
	if json.Unmarshal(value, &c) != nil {
		return
	}
	if series, err := parseSeries(c.Series); err == nil {
		notify(counter.Notice{Series: series, Last: c.Last})
	}
}
