package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// way is a way to kill a pod in mid-block. It returns when the pod died, or earlier.
type way struct {
	name string
	told bool // it is sent SIGTERM first
	kill func(ctx context.Context, p pod) (died time.Time, err error)
}

// kills are how many pods are killed.
const kills = 6

// kill kills pods, one way after the other, and holds the others to settling what was left.
func (s *scene) kill(ctx context.Context, f *fault) error {
	ways := []way{{"force delete", true, s.forceDelete}, {"SIGKILL", false, s.sigkill}, {"memory limit", false, s.flood}}
	if s.f.Kill == "" {
		ways = slices.Delete(ways, 1, 2)
	}
	var mu sync.Mutex
	var settling sync.WaitGroup
	defer settling.Wait()
	took := make([][]string, len(ways))
	for i := range kills {
		w := ways[i%len(ways)]
		victim, holder, err := s.victim(ctx)
		if err != nil {
			return err
		}
		died, err := w.kill(ctx, victim)
		if err != nil {
			return fmt.Errorf("%s of %s: %w", w.name, victim.name(), err)
		}
		s.dead[holder] = true
		f.Times++
		settling.Go(func() {
			l := loss{Holder: holder, Forced: w.told, Settled: s.books.settling(ctx, holder, died, s.r.TTL+3*settleSlack), Blocks: s.books.lastHeld(holder)}
			s.c.say("  %s of %s: settled after %s", w.name, holder, short(l.Settled))
			mu.Lock()
			defer mu.Unlock()
			f.Lost, took[i%len(ways)] = append(f.Lost, l), append(took[i%len(ways)], short(l.Settled))
		})
		if err := s.c.settled(ctx, "folio", 3); err != nil {
			return err
		}
	}
	settling.Wait()
	for i, w := range ways {
		f.Notes = append(f.Notes, fmt.Sprintf("%d by %s (%s)", len(took[i]), w.name, strings.Join(took[i], ", ")))
	}
	return nil
}

// victim is a pod that is ready and in mid-block, and its holder: of those that were
// restarted least, for the kubelet waits longer with each restart.
func (s *scene) victim(ctx context.Context) (victim pod, holder string, err error) {
	err = s.c.until(ctx, time.Minute, "a ready pod holds blocks", func() bool {
		all, err := s.c.pods(ctx, "folio")
		slices.SortStableFunc(all, func(a, b pod) int { return a.restarts() - b.restarts() })
		for _, p := range all {
			for name, series := range s.books.holders(p.name()) {
				if p.ready() && !s.dead[name] && series > 0 {
					victim, holder = p, name
					return err == nil
				}
			}
		}
		return false
	})
	return victim, holder, err
}

func (s *scene) forceDelete(ctx context.Context, p pod) (time.Time, error) {
	at := time.Now()
	_, err := s.c.kubectl(ctx, "delete", "pod", p.name(), "--force", "--grace-period=0", "--wait=false")
	return at, err
}

func (s *scene) sigkill(ctx context.Context, p pod) (time.Time, error) {
	at := time.Now()
	if err := s.c.shell(ctx, s.f.Kill, "KILL", s.c.namespace+"/"+p.name(), "folio"); err != nil {
		return at, err
	}
	return at, s.restarted(ctx, "folio", p)
}

// restarted waits until the kubelet has started a container of a pod again.
func (s *scene) restarted(ctx context.Context, app string, p pod) error {
	return s.c.until(ctx, time.Minute, p.name()+" is started again", func() bool {
		now, ok := s.c.podNow(ctx, app, p.name())
		return ok && now.restarts() > p.restarts()
	})
}

// flood sends a pod more than its memory limit, until the kernel kills it. When that
// was, the kubelet says, to the second.
func (s *scene) flood(ctx context.Context, p pod) (time.Time, error) {
	flooding, stop := context.WithCancel(ctx)
	defer stop()
	address, err := s.c.forward(flooding, p.name())
	if err != nil {
		return time.Time{}, err
	}
	var senders sync.WaitGroup
	for range floodBodies {
		senders.Go(func() { floodOne(flooding, address, s.keys[0]) })
	}
	defer senders.Wait()
	defer stop()
	if err := s.restarted(ctx, "folio", p); err != nil {
		return time.Time{}, err
	}
	now, _ := s.c.podNow(ctx, "folio", p.name())
	for _, c := range now.Status.ContainerStatuses {
		if last := c.LastState.Terminated; c.Name == "folio" && last != nil {
			if last.ExitCode != 137 {
				return time.Time{}, fmt.Errorf("it ended with status %d (%s), want that of SIGKILL", last.ExitCode, last.Reason)
			}
			return last.FinishedAt, nil
		}
	}
	return time.Time{}, errors.New("it is not said how its last life ended")
}
