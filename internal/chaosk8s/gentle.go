package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// gentle plants what happens to a cluster on a good day: nothing of it costs a number,
// and no request fails for a client that tries twice.
func (s *scene) gentle(ctx context.Context) error {
	// No request is sent twice at once: each failure is counted for its own request. The client
	// waits longer than folio works on a request at the most, ten seconds: then what fails is what
	// folio gave up or broke, and not what a machine short of CPU was slow at.
	if err := s.startTraffic("rollouts, scaling, evictions", "--repeat-share", "0", "--timeout", "15s"); err != nil {
		return err
	}
	for _, f := range []struct {
		fault
		do func(context.Context, *fault) error
	}{
		{fault{Name: "folio doctor asked in each pod", Want: 3}, s.doctor},
		{fault{Name: "Deployment rolled out", Want: 2}, s.rollouts},
		{fault{Name: "scaled 1 → 5 → 2", Want: 3}, s.scale},
		{fault{Name: "each pod evicted in turn, by the eviction API", Want: 2}, s.evict},
		{fault{Name: "a pod that holds blocks in 2,000 ledgers deleted", Want: 1}, s.handBack},
	} {
		f.Gentle = true
		if err := s.plant(ctx, f.fault, f.do); err != nil {
			return err
		}
	}
	return s.conclude(ctx, true)
}

// lowMemory is what pods may use from the second rollout on: enough to serve, and soon
// too little for a flood of large bodies.
const lowMemory = "160Mi"

// rollouts rolls the Deployment twice: once as a new image is, once with another limit.
func (s *scene) rollouts(ctx context.Context, f *fault) error {
	for _, how := range [][]string{
		{"rollout", "restart", "deployment/folio"},
		{"set", "resources", "deployment/folio", "-c", "folio", "--requests=memory=64Mi", "--limits=memory=" + lowMemory},
	} {
		begun := time.Now()
		if _, err := s.c.kubectl(ctx, how...); err != nil {
			return err
		}
		if _, err := s.c.kubectl(ctx, "rollout", "status", "deployment/folio", "--timeout=120s"); err != nil {
			return err
		}
		if err := s.c.settled(ctx, "folio", 3); err != nil {
			return err
		}
		f.Times++
		f.Notes = append(f.Notes, "3 pods replaced in "+short(time.Since(begun)))
	}
	return nil
}

// scale changes the number of replicas by hand.
func (s *scene) scale(ctx context.Context, f *fault) error {
	for _, n := range []int{1, 5, 2} {
		begun := time.Now()
		if _, err := s.c.kubectl(ctx, "scale", "deployment/folio", fmt.Sprintf("--replicas=%d", n)); err != nil {
			return err
		}
		if err := s.c.settled(ctx, "folio", n); err != nil {
			return err
		}
		f.Times++
		f.Notes = append(f.Notes, fmt.Sprintf("%d after %s", n, short(time.Since(begun))))
	}
	return nil
}

// evict does what a node drain does, with every pod in turn. Meanwhile there are always
// as many ready as the disruption budget wants.
func (s *scene) evict(ctx context.Context, f *fault) error {
	all, err := s.c.pods(ctx, "folio")
	if err != nil {
		return err
	}
	var refused, fewest atomic.Int64
	fewest.Store(int64(len(all)))
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		s.fewestReady(watching, &fewest)
	}()
	for _, p := range all {
		err = s.c.until(ctx, time.Minute, p.name()+" may be evicted", func() bool {
			done := s.evictOne(ctx, p.name())
			if !done {
				refused.Add(1)
			}
			return done
		})
		if err != nil {
			break
		}
		f.Times++
	}
	if err == nil {
		err = s.c.settled(ctx, "folio", len(all))
	}
	stop()
	<-watched
	f.Notes = append(f.Notes, fmt.Sprintf("refused %d times by the budget; never fewer than %d of %d ready", refused.Load(), fewest.Load(), len(all)))
	if refused.Load() == 0 {
		f.Wrong = append(f.Wrong, "the budget never refused: it was not seen at work")
	}
	if fewest.Load() < int64(len(all))-1 {
		f.Wrong = append(f.Wrong, fmt.Sprintf("%d of %d pods were ready, although the budget allows for one to be away", fewest.Load(), len(all)))
	}
	return err
}

// evictOne asks for the eviction of a pod; false if it was refused.
func (s *scene) evictOne(ctx context.Context, name string) bool {
	body := fmt.Sprintf(`{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":%q,"namespace":%q}}`, name, s.c.namespace)
	_, err := s.c.feed(ctx, body, "create", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/eviction", s.c.namespace, name), "-f", "-")
	return err == nil
}

// fewestReady lowers fewest to how many pods were ready at the worst moment.
func (s *scene) fewestReady(ctx context.Context, fewest *atomic.Int64) {
	for ctx.Err() == nil {
		if all, err := s.c.pods(ctx, "folio"); err == nil {
			n := int64(0)
			for _, p := range all {
				if p.ready() {
					n++
				}
			}
			fewest.Store(min(fewest.Load(), n))
		}
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// handBack has one pod hold blocks in many ledgers and deletes it, as a rollout does.
func (s *scene) handBack(ctx context.Context, f *fault) error {
	grace, graceErr := s.gracePeriod(ctx)
	victim, holder, err := s.victim(ctx)
	if err := errors.Join(graceErr, err); err != nil {
		return err
	}
	if err := s.burst(ctx, f, victim, holder); err != nil {
		return err
	}
	logs := s.c.command(ctx, "logs", "-f", "--tail=0", victim.name(), "-c", "folio")
	var said strings.Builder
	logs.Stdout = &said
	if err := logs.Start(); err != nil {
		return err
	}
	before, _ := s.books.holds(holder)
	died := time.Now()
	if _, err := s.c.kubectl(ctx, "delete", "pod", victim.name(), "--timeout=90s"); err != nil {
		return err
	}
	took := time.Since(died)
	_ = logs.Wait() // it ends with the pod
	if err := s.books.look(ctx); err != nil {
		return err
	}
	left, _ := s.books.holds(holder)
	f.Times++
	f.Handing = handing{Ledgers: before, Took: took, Grace: grace, Left: left}
	if !strings.Contains(said.String(), `"msg":"handed back"`) || strings.Contains(said.String(), "not handed back") {
		f.Wrong = append(f.Wrong, "the replica's log does not say that all was handed back: "+lastLine(said.String()))
	}
	return s.c.settled(ctx, "folio", 2)
}

// burst has a pod hold blocks in many ledgers: once more if the machine was so slow that the
// first were handed back before the last were filled. What is seen then, the judge is told.
func (s *scene) burst(ctx context.Context, f *fault, victim pod, holder string) error {
	for round := range 2 {
		begun := time.Now()
		if err := s.fill(ctx, victim.name(), round); err != nil {
			return err
		}
		f.Notes = append(f.Notes, "filled in "+short(time.Since(begun)))
		err := s.c.until(ctx, 10*time.Second, "the blocks are seen", func() bool {
			n, _ := s.books.holds(holder)
			return n >= burst
		})
		if err == nil {
			break
		}
		f.Notes = append(f.Notes, err.Error())
	}
	return ctx.Err()
}

// gracePeriod is how long a pod has between the first sign of its end and SIGKILL.
func (s *scene) gracePeriod(ctx context.Context) (time.Duration, error) {
	out, err := s.c.kubectl(ctx, "get", "deployment", "folio", "-o", "jsonpath={.spec.template.spec.terminationGracePeriodSeconds}")
	if err != nil {
		return 0, err
	}
	return time.ParseDuration(out + "s")
}
