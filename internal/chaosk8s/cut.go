package main

import (
	"context"
	"errors"
	"time"
)

// alone is how long a replica that was fenced, and that etcd does not answer, may take until
// it is not ready, once the cut has lasted: it asks every third of a lease and waits for
// two answers of two seconds, and the probe fails twice.
const alone = 20 * time.Second

// cut cuts a pod from etcd, and from nothing else, until the others have settled what it
// held and the Service sends nothing there any more; then the cut is healed.
func (s *scene) cut(ctx context.Context, f *fault) (err error) {
	victim, holder, err := s.victim(ctx)
	if err != nil {
		return err
	}
	begun := time.Now()
	defer func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		_ = s.filter(bounded, "-D", victim.Status.PodIP) // healed already, if all went well
	}()
	if err := s.filter(ctx, "-I", victim.Status.PodIP); err != nil {
		return err
	}
	f.Times++
	s.dead[holder] = true
	l := loss{Holder: holder, Settled: s.books.settling(ctx, holder, begun, s.r.TTL+3*settleSlack), Blocks: s.books.lastHeld(holder)}
	f.Lost = append(f.Lost, l)
	long := s.r.TTL + 2*settleSlack
	if err := s.c.until(ctx, long, "the cut lasts longer than the lease", func() bool { return time.Since(begun) >= long-settleSlack/2 }); err != nil {
		return err
	}
	if n, alive := s.books.holds(holder); alive || n > 0 {
		f.Wrong = append(f.Wrong, "the holder that was cut off is still taken for alive, or holds blocks")
	}
	f.Visits = append(f.Visits, s.ask(ctx, victim, "etcd"))
	if err := s.c.until(ctx, alone, victim.name()+" is not ready, as it gives no number and the others do", func() bool {
		now, ok := s.c.podNow(ctx, "folio", victim.name())
		return ok && !now.ready()
	}); err != nil {
		f.Wrong = append(f.Wrong, err.Error())
	} else {
		f.Notes = append(f.Notes, "the Service sends nothing there any more "+short(time.Since(begun))+" after the cut")
	}
	if err := s.filter(ctx, "-D", victim.Status.PodIP); err != nil {
		return err
	}
	healed := time.Now()
	err = s.c.until(ctx, 30*time.Second, "the pod goes on under another name", func() bool {
		for name := range s.books.holders(victim.name()) {
			if name != holder {
				return true
			}
		}
		return false
	})
	f.Notes = append(f.Notes, "cut for "+short(healed.Sub(begun))+", under another name "+short(time.Since(healed))+" after")
	if now, ok := s.c.podNow(ctx, "folio", victim.name()); err == nil && (!ok || now.restarts() > victim.restarts()) {
		f.Wrong = append(f.Wrong, "the pod was restarted, which cures nothing")
	}
	return errors.Join(err, s.c.settled(ctx, "folio", 3))
}

// filter drops, or no longer drops, what a pod and etcd send each other.
func (s *scene) filter(ctx context.Context, change, ip string) error {
	return errors.Join(
		s.c.shell(ctx, s.f.Net, "iptables", change, "FORWARD", "-s", ip, "-p", "tcp", "--dport", "2379", "-j", "DROP"),
		s.c.shell(ctx, s.f.Net, "iptables", change, "FORWARD", "-d", ip, "-p", "tcp", "--sport", "2379", "-j", "DROP"),
	)
}
