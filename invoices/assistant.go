package invoices

import (
	"context"
	"time"
)

// assist helps when it is called, until ctx ends.
func (s *scribe) assist(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.w.help:
			s.help()
		}
	}
}

// help writes batches as long as any wait. It takes a row from the queue only when it
// has a connection: without one the row is better off with the first scribe. Between
// calls it has none.
func (s *scribe) help() {
	defer s.hangUp()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err := s.connect(ctx)
		cancel()
		if err != nil {
			s.w.cfg.Log.Warn("no further connection to write invoices", "error", err)
			s.dropNext(err)
			return
		}
		e := s.another()
		if e == nil {
			return
		}
		s.writeFrom(e)
	}
}

// dropNext turns away the entry that was read and could not join the batch before.
func (s *scribe) dropNext(err error) {
	if e := s.kept(); e != nil {
		e.turnAway(err)
	}
}

// another is first without waiting; nil if none waits.
func (s *scribe) another() *entry {
	if e := s.kept(); e != nil {
		return e
	}
	select {
	case e := <-s.queue:
		return s.received(e)
	default:
		return nil
	}
}
