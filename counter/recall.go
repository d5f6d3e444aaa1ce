package counter

import (
	"context"
	"time"
)

// callIn puts what this life has of s that begins at or below last on its way
// out: a seek waits for it.
func (l *life) callIn(s Series, last int64) {
	if sh := l.shelves.find(s); sh != nil && sh.callIn(last) {
		l.startRecall(sh)
	}
}

// callIn also remembers last, for a block whose reservation is under way.
func (s *shelf) callIn(last int64) (some bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.look(now)
	s.rare().calledIn = max(s.queue.calledIn, last)
	for st := range s.stocks.all() {
		if st.First <= last {
			st.leaving, some = true, true
		}
	}
	s.tend(now)
	return some
}

// startRecall hands back what leaves s as soon as everybody who has a number of
// it has said what became of that.
func (l *life) startRecall(s *shelf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rare().recalling {
		return
	}
	s.queue.recalling = l.spawn(func() { l.recall(s) })
}

func (l *life) recall(s *shelf) {
	for try := 0; pause(l.ctx, try) == nil; try++ {
		err := l.voidStuck(s)
		if err == nil {
			err = l.handBackLeaving(l.ctx, s)
		}
		if err != nil {
			l.loseIfLost(err)
			l.a.log().Warn("called-in block not handed back yet", "series", s.series.String(), "holder", l.holder.Name, "error", err)
			continue
		}
		if s.recalled() {
			return
		}
	}
}

// recalled ends the recall, unless something is still on its way out.
func (s *shelf) recalled() bool {
	if len(s.leaving()) > 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.recalling = false
	return true
}

// voidStuck makes an end of the numbers of called-in blocks of which this holder
// cannot say whether a row with them is stored: with the owner's void there is a
// row for certain, theirs or the void. Without an owner they are forfeited.
func (l *life) voidStuck(s *shelf) error {
	for _, st := range s.leaving() {
		stuck := s.survey(st).stuck
		if len(stuck) == 0 {
			continue
		}
		if err := l.voidOf(l.ctx, s.series, stuck, reasonSeek); err != nil {
			return err
		}
		s.finish(st, stuck)
	}
	return nil
}

// voidOf has the owner record that ranges are never given, if there is one.
func (l *life) voidOf(ctx context.Context, s Series, ranges []Range, reason string) error {
	if l.a.Config.Owner != nil {
		return l.void(ctx, s, ranges, reason)
	}
	for _, r := range ranges {
		l.a.forfeit(s, r.Len())
	}
	return nil
}

// finish marks numbers as having a row.
func (s *shelf) finish(st *stock, ranges []Range) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range ranges {
		for n := r.First; n <= r.Last; n++ {
			p := placeOf(n - st.First)
			if on := st.strips[p.strip()]; on != nil { // else it is spent by now
				on.mark(p.index(), spent, spent)
			}
		}
	}
}
