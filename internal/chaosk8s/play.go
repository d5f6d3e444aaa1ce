package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// scene is a run under way.
type scene struct {
	f       flags
	c       *cluster
	dir     string // of the histories
	keys    []string
	books   *books
	traffic *traffic
	dead    map[string]bool // holders that were killed
	voids   map[string]int64

	etcd      upgrade
	etcdImage string // that it ends with
	r         record
}

// play deploys folio, plants every fault, and takes all of it away again. What was seen it
// returns with an error, too.
func (f flags) play(ctx context.Context, log io.Writer) (r record, err error) {
	begun := time.Now()
	dir, err := os.MkdirTemp("", "chaosk8s-")
	if err != nil {
		return r, err
	}
	s := &scene{f: f, c: &cluster{program: strings.Fields(f.Kubectl), log: log}, dir: dir, dead: make(map[string]bool), voids: make(map[string]int64)}
	s.books = newBooks(s.c)
	if err := s.claim(ctx); err != nil {
		return r, err
	}
	defer func() {
		s.traffic.abort()
		s.r.Seconds = time.Since(begun).Seconds()
		err = errors.Join(err, s.count())
		r = s.r
		if f.Keep {
			s.c.say("left running in the namespace %s", s.c.namespace)
		} else {
			err = errors.Join(err, s.clear())
		}
		if err == nil { // else the histories may tell why
			err = os.RemoveAll(dir)
		}
	}()
	if err := s.deploy(ctx, log); err != nil {
		return r, err
	}
	looking, stop := context.WithCancel(ctx)
	var looks sync.WaitGroup
	looks.Go(func() { s.books.run(looking) })
	defer looks.Wait()
	defer stop()
	if err := errors.Join(s.gentle(ctx), ctx.Err()); err != nil {
		return r, err
	}
	return r, errors.Join(s.rough(ctx), ctx.Err())
}

// claim finds out the namespace of the overlay, which must not be there: what is not
// ours is not broken.
func (s *scene) claim(ctx context.Context) error {
	text, err := s.c.kubectl(ctx, "kustomize", s.f.Overlay)
	if err != nil {
		return err
	}
	_, rest, ok := strings.Cut(text, "\n  namespace: ")
	if !ok {
		return fmt.Errorf("%s names no namespace", s.f.Overlay)
	}
	s.c.namespace, _, _ = strings.Cut(rest, "\n")
	if out, err := s.c.kubectl(ctx, "get", "namespace", s.c.namespace, "--ignore-not-found", "-o", "name"); err != nil {
		return err
	} else if out != "" {
		return fmt.Errorf("the namespace %s is there already; kubectl delete namespace %[1]s, if nothing in it is needed", s.c.namespace)
	}
	out, err := s.c.kubectl(ctx, "version", "-o", "json")
	var versions struct{ ServerVersion struct{ GitVersion string } }
	if err == nil {
		err = json.Unmarshal([]byte(out), &versions)
	}
	s.r.Server = strings.TrimPrefix(versions.ServerVersion.GitVersion, "v")
	return errors.Join(err, s.compareEtcd(ctx))
}

// tenants is how many the load is spread over.
const tenants = 8

// deploy brings folio up from nothing, with its tenants.
func (s *scene) deploy(ctx context.Context, log io.Writer) error {
	s.c.say("deploying %s from nothing", s.f.Overlay)
	begun := time.Now()
	up := command(ctx, "scripts/k8s-up")
	up.Env = append(os.Environ(), "K8S_OVERLAY="+s.f.Overlay, "K8S_LOAD="+s.f.Load, "K8S_VOLUMES="+s.f.Volumes, "KUBECTL="+s.f.Kubectl)
	up.Stdout, up.Stderr = log, log
	if err := up.Run(); err != nil {
		return fmt.Errorf("scripts/k8s-up: %w", err)
	}
	s.r.Cold = time.Since(begun)
	for i := range tenants {
		out, err := s.c.folio(ctx, "tenant", "create", fmt.Sprintf("chaos-%d", i+1), "--json")
		var key struct {
			APIKey string `json:"api_key"`
		}
		if err == nil {
			err = json.Unmarshal([]byte(out), &key)
		}
		if err != nil {
			return fmt.Errorf("make a tenant: %w", err)
		}
		s.keys = append(s.keys, key.APIKey)
	}
	return s.leaseTTL(ctx)
}

// leaseTTL reads from the settings how long a killed replica's blocks wait.
func (s *scene) leaseTTL(ctx context.Context) error {
	out, err := s.c.kubectl(ctx, "get", "configmap", "-l", "app.kubernetes.io/part-of=folio", "-o", "jsonpath={.items[*].data.FOLIO_LEASE_TTL}")
	if err != nil {
		return err
	}
	if s.r.TTL, err = time.ParseDuration(strings.TrimSpace(out)); err != nil {
		return fmt.Errorf("FOLIO_LEASE_TTL: %w", err)
	}
	return nil
}

// clear deletes what was made, also after the run was broken off.
func (s *scene) clear() error {
	s.c.say("deleting the namespace %s", s.c.namespace)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	_, err := s.c.kubectl(ctx, "delete", "namespace", s.c.namespace, "--ignore-not-found", "--timeout=110s")
	return err
}

// plant plants one fault under the load and notes what was seen.
func (s *scene) plant(ctx context.Context, f fault, do func(context.Context, *fault) error) error {
	s.c.say("%s", f.Name)
	f.Begun = time.Now()
	if err := do(ctx, &f); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		f.Wrong = append(f.Wrong, err.Error())
	}
	if err := s.goesOn(ctx, &f); err != nil {
		return err
	}
	f.Ended = time.Now()
	a, err := s.audit(ctx)
	if err != nil {
		f.Wrong = append(f.Wrong, fmt.Sprintf("it is not known what it has done to the numbers: %v", err))
	} else {
		f.Voids = make(map[string]int64)
		for reason, n := range a.Voids {
			f.Voids[reason] = n - s.voids[reason]
		}
		s.voids, f.Wrong = a.Voids, append(f.Wrong, a.Findings...)
	}
	s.r.Faults = append(s.r.Faults, f)
	s.c.say("  %s: %s; %d void, %d unaccounted", short(f.Ended.Sub(f.Begun)), strings.Join(seen(f, s.r), "; "), a.Void, a.Unaccounted)
	return ctx.Err()
}

// goesOn waits until the load goes on after a fault.
func (s *scene) goesOn(ctx context.Context, f *fault) error {
	before, err := s.traffic.answered()
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := s.c.until(ctx, 30*time.Second, "the load goes on", func() bool {
		now, err := s.traffic.answered()
		return err == nil && now >= before+20
	}); err != nil {
		f.Wrong = append(f.Wrong, err.Error())
	}
	if took := time.Since(begun); took > time.Second {
		f.Notes = append(f.Notes, "the load goes on after "+short(took))
	}
	return ctx.Err()
}

// conclude ends the load of one part of the run and audits.
func (s *scene) conclude(ctx context.Context, gentle bool) error {
	l, err := s.traffic.finish()
	if err != nil {
		return err
	}
	s.r.Loads = append(s.r.Loads, l)
	if err := errors.Join(s.count(), s.books.look(ctx)); err != nil {
		return err
	}
	gone := s.books.gone()
	a, err := s.audit(ctx)
	if err != nil {
		return err
	}
	a.Name, a.Gentle, a.Gone = s.traffic.name, gentle, gone
	s.r.Audits = append(s.r.Audits, a)
	s.c.say("hammer after the %s: %+v; audit: %+v", a.Name, l, a)
	return nil
}

// count fills in what the load saw of each fault of this part of the run.
func (s *scene) count() error {
	if s.traffic == nil {
		return nil
	}
	all, err := s.traffic.read()
	if err != nil {
		return fmt.Errorf("the history of the load: %w", err)
	}
	for i := range s.r.Faults {
		if f := &s.r.Faults[i]; f.Acknowledged == 0 && f.Left == "" {
			f.count(all)
			s.c.say("%s: %d acknowledged, %d failed once, %d more often %v", f.Name, f.Acknowledged, f.Once, f.Twice, f.causes(all))
		}
	}
	return nil
}
