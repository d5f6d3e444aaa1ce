package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// readme is where the steps stand that an operator follows.
const readme = "deploy/k8s/README.md"

// leader asks the members which of them leads, and in which term of raft.
func (c *cluster) leader(ctx context.Context) (name string, term uint64, err error) {
	for member := range 3 {
		name := fmt.Sprintf("etcd-%d", member)
		out, err := c.kubectl(ctx, "exec", name, "--", "etcdctl", "--command-timeout=2s", "endpoint", "status", "-w", "json")
		var said []struct {
			Status struct {
				Header struct {
					Member uint64 `json:"member_id"`
				}
				Leader uint64
				Term   uint64 `json:"raftTerm"`
			}
		}
		if err != nil || json.Unmarshal([]byte(out), &said) != nil || len(said) != 1 {
			continue
		}
		if at := said[0].Status; at.Leader != 0 && at.Leader == at.Header.Member {
			return name, at.Term, nil
		}
	}
	return "", 0, errors.New("no member of etcd says that it leads")
}

// killLeader kills etcd's leader. It may be back so soon that it is elected again.
func (s *scene) killLeader(ctx context.Context, f *fault) error {
	was, before, err := s.c.leader(ctx)
	if err != nil {
		return err
	}
	begun := time.Now()
	if s.f.Kill != "" {
		err = s.c.shell(ctx, s.f.Kill, "KILL", s.c.namespace+"/"+was, "etcd")
	} else {
		_, err = s.c.kubectl(ctx, "delete", "pod", was, "--force", "--grace-period=0")
	}
	if err != nil {
		return err
	}
	f.Times++
	var now string
	err = s.c.until(ctx, 30*time.Second, "a leader is elected", func() bool {
		name, term, err := s.c.leader(ctx)
		now = name
		return err == nil && term > before
	})
	f.Notes = append(f.Notes, fmt.Sprintf("%s was killed, %s leads %s after", was, now, short(time.Since(begun))))
	if err != nil {
		return err
	}
	return s.c.settled(ctx, "etcd", 3)
}

// lostMember is the member that the README's steps name.
const lostMember = "etcd-1"

// loseVolume takes a member's volume away and follows the steps of the README.
func (s *scene) loseVolume(ctx context.Context, f *fault) error {
	steps, err := stepsFor(s.c.namespace, volumeSteps)
	if err != nil {
		return err
	}
	if _, err := s.c.kubectl(ctx, "delete", "pvc", "data-"+lostMember, "--wait=false"); err != nil {
		return err
	}
	if _, err := s.c.kubectl(ctx, "delete", "pod", lostMember, "--force", "--grace-period=0"); err != nil {
		return err
	}
	f.Times++
	begun := time.Now()
	giving, stop := context.WithCancel(ctx)
	var gifts sync.WaitGroup
	gifts.Go(func() { s.giveVolumes(giving) })
	defer gifts.Wait()
	defer stop()
	if err := s.c.until(ctx, time.Minute, lostMember+" ends again and again without its volume", func() bool {
		now, ok := s.c.podNow(ctx, "etcd", lostMember)
		return ok && now.restarts() > 0 && !now.ready()
	}); err != nil {
		return err
	}
	f.Notes = append(f.Notes, "the empty member does not found a cluster of its own, it ends")
	if err := s.follow(ctx, steps); err != nil {
		return err
	}
	f.Notes = append(f.Notes, "joined by the README's steps and ready after "+short(time.Since(begun)))
	return s.c.until(ctx, 2*time.Minute, "three members are healthy", func() bool {
		out, err := s.c.etcdctl(ctx, "member", "list", "-w", "fields")
		all, listErr := s.c.pods(ctx, "etcd")
		return err == nil && listErr == nil && strings.Count(out, `"ID" : `) == 3 && len(all) == 3 &&
			!slices.ContainsFunc(all, func(p pod) bool { return !p.ready() })
	})
}

// follow runs steps of the README.
func (s *scene) follow(ctx context.Context, steps string) error {
	cmd := command(ctx, "sh", "-eu", "-c", fmt.Sprintf("kubectl() { command %s \"$@\"; }\n%s", s.f.Kubectl, steps))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the steps of %s: %w: %s", readme, err, out)
	}
	return nil
}

// Where the README's steps begin.
const (
	volumeSteps  = "**A member lost its volume**"
	upgradeSteps = "**A new version of etcd**"
)

// stepsFor returns steps of the README, for a namespace.
func stepsFor(namespace, after string) (string, error) {
	text, err := os.ReadFile(readme)
	if err != nil {
		return "", err
	}
	_, rest, ok := strings.Cut(string(text), after)
	_, rest, ok2 := strings.Cut(rest, "```sh\n")
	steps, _, ok3 := strings.Cut(rest, "```")
	if !ok || !ok2 || !ok3 {
		return "", fmt.Errorf("%s has no steps after %q", readme, after)
	}
	return strings.ReplaceAll(steps, "-n folio ", "-n "+namespace+" "), nil
}

// giveVolumes gives new volumes to the pods' users, until ctx ends. A scheduler that looked
// at a pod before its volume was bound may look again after five minutes only: such a pod
// is made anew, every ten seconds.
func (s *scene) giveVolumes(ctx context.Context) {
	for look := 1; ctx.Err() == nil; look++ {
		if s.f.Volumes != "" {
			_ = command(ctx, "sh", "-c", s.f.Volumes).Run() // tried again
		}
		if look%20 == 0 {
			_, _ = s.c.kubectl(ctx, "delete", "pod", "-l", "app.kubernetes.io/name=etcd", "--field-selector=spec.nodeName=,status.phase=Pending", "--wait=false")
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// restartPostgres ends Postgres in good order.
func (s *scene) restartPostgres(ctx context.Context, f *fault) error {
	begun := time.Now()
	if _, err := s.c.kubectl(ctx, "delete", "pod", "postgres-0", "--timeout=60s"); err != nil {
		return err
	}
	f.Times++
	err := s.c.settled(ctx, "postgres", 1)
	f.Notes = append(f.Notes, "ready again after "+short(time.Since(begun)))
	return err
}

// killPostgres has Postgres recover from a crash.
func (s *scene) killPostgres(ctx context.Context, f *fault) error {
	begun := time.Now()
	was, _ := s.c.podNow(ctx, "postgres", "postgres-0")
	if err := s.c.shell(ctx, s.f.Kill, "KILL", s.c.namespace+"/postgres-0", "postgres"); err != nil {
		return err
	}
	f.Times++
	if err := s.restarted(ctx, "postgres", was); err != nil {
		return err
	}
	err := s.c.settled(ctx, "postgres", 1)
	f.Notes = append(f.Notes, "ready again after "+short(time.Since(begun)))
	return err
}
