package etcdstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/internal/devcluster/etcd"
)

// TestAnEtcdThatWentBackInTimeIsNoticed puts the data of a real etcd back to an
// older copy while a store is in use, as an operator does who restores a volume.
func TestAnEtcdThatWentBackInTimeIsNoticed(t *testing.T) {
	data, older := dirs(t)
	cluster, err := etcd.Start(timeout(t), etcd.Config{Dir: data, Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	member := cluster.Member(0)
	t.Cleanup(func() { _ = member.Kill() }) // nothing of it is wanted any more
	s := openAt(t, cluster.Endpoints(), space(), 60)
	reg, err := s.Register(timeout(t), counter.Holder{Name: "pod.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close(timeout(t))
	use(t, s, 1)
	while(t, member, func() { copyAll(t, data, older) })
	use(t, s, 5)
	if s.Restored() != 0 {
		t.Fatalf("a restart of etcd is taken for a restore: %d", s.Restored())
	}
	watching := make(chan error, 1)
	go func() { watching <- s.Watch(context.Background(), func(counter.Notice) {}) }()
	while(t, member, func() {
		if err := os.RemoveAll(data); err != nil {
			t.Fatal(err)
		}
		copyAll(t, older, data)
	})
	if _, _, err := s.Load(timeout(t), invoices); err != nil {
		t.Fatal(err)
	}
	if s.Restored() != 1 {
		t.Errorf("noticed %d restores, want 1", s.Restored())
	}
	select {
	case err := <-watching:
		if err == nil {
			t.Error("the watch ended without an error")
		}
	case <-timeout(t).Done():
		t.Error("the watch goes on in a history that is no more")
	}
}

// A restore with --bump-revision --mark-compacted keeps the cluster's id, and its
// revisions go on: only the watch tells.
func TestAnEtcdThatWasRestoredWithBumpedRevisionsIsNoticed(t *testing.T) {
	for name, watching := range map[string]bool{"by a watch that goes on": true, "by the next watch": false} {
		t.Run(name, func(t *testing.T) {
			dir, file := dirs(t)
			cluster, err := etcd.Start(timeout(t), etcd.Config{Dir: dir, Fast: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cluster.Member(0).Kill() })
			s := openAt(t, cluster.Endpoints(), space(), 60)
			reg, err := s.Register(timeout(t), counter.Holder{Name: "pod.1"})
			if err != nil {
				t.Fatal(err)
			}
			defer reg.Close(timeout(t))
			use(t, s, 1)
			file = filepath.Join(file, "snapshot.db")
			if err := cluster.Snapshot(timeout(t), file); err != nil {
				t.Fatal(err)
			}
			use(t, s, 5)
			ended := make(chan error, 1)
			told := make(chan counter.Notice, 1000)
			watch := func() { ended <- s.Watch(timeout(t), func(n counter.Notice) { told <- n }) }
			if watching {
				go watch()
				watchIsOn(t, s, told)
			}
			if err := cluster.Restore(timeout(t), etcd.Restore{Snapshot: file, BumpRevision: 1_000_000}); err != nil {
				t.Fatal(err)
			}
			if !watching {
				go watch()
			}
			if err := <-ended; s.Restored() != 1 {
				t.Errorf("noticed %d restores, want 1; the watch ended with %v", s.Restored(), err)
			}
			again, stop := context.WithTimeout(t.Context(), 3*time.Second)
			defer stop()
			if err := s.Watch(again, func(counter.Notice) {}); s.Restored() != 1 || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the watch after it ended with %v; noticed %d restores, want 1", err, s.Restored())
			}
		})
	}
}

// watchIsOn calls in until two notices came: the first may be of a call-in before it.
func watchIsOn(t *testing.T, s *etcdstore.Store, told <-chan counter.Notice) {
	t.Helper()
	for range 2 {
		for heard := false; !heard; {
			if err := s.CallIn(timeout(t), invoices, 1); err != nil {
				t.Fatal(err)
			}
			select {
			case <-told:
				heard = true
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

func dirs(t *testing.T) (data, older string) {
	t.Helper()
	var made [2]string
	for i := range made {
		dir, err := os.MkdirTemp("", "folio-etcd-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		made[i] = dir
	}
	return made[0], made[1]
}

// use changes the ledger a few times.
func use(t *testing.T, s *etcdstore.Store, times int) {
	t.Helper()
	for range times {
		l, v, err := s.Load(timeout(t), invoices)
		if err != nil {
			t.Fatal(err)
		}
		l.Mark++
		if err := s.Swap(timeout(t), "pod.1", invoices, v, l); err != nil {
			t.Fatal(err)
		}
	}
}

// while does something to the data of a member that is down.
func while(t *testing.T, m *etcd.Member, f func()) {
	t.Helper()
	if err := m.Kill(); err != nil {
		t.Fatal(err)
	}
	f()
	if err := m.Start(timeout(t)); err != nil {
		t.Fatal(err)
	}
}

func copyAll(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
