package etcdstore_test

import (
	"context"
	"testing"
	"time"

	"folio/counter/etcdstore"
	"folio/internal/devcluster/etcd"
)

func TestAReadIsAnsweredAlthoughOneMemberIsSilent(t *testing.T) {
	cluster := startEtcd(t, 3)
	s := open(t, cluster, 60)
	silenceLeader(t, cluster, s)
	met := 0 // how often a read met the silent member first
	await(timeout(t), t, "reads meet the silent member", func() bool {
		const within = 1500 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		begun := time.Now()
		if _, _, err := s.Load(ctx, invoices); err != nil {
			t.Fatalf("a read was not answered although two members of three could: %v", err)
		}
		if time.Since(begun) >= within/3 {
			met++
		}
		return met == 3
	})
}

// silenceLeader stops the process of the leader of three, once s has met every member, and
// waits until another leads.
func silenceLeader(t *testing.T, cluster *etcd.Cluster, s *etcdstore.Store) {
	t.Helper()
	answered := make(map[uint64]bool)
	await(timeout(t), t, "every member answers", func() bool {
		got, err := s.Client.Get(timeout(t), "nothing")
		if err == nil {
			answered[got.Header.MemberId] = true
		}
		return len(answered) == 3
	})
	leader := awaitLeader(timeout(t), t, cluster, nil)
	if err := leader.Stop(); err != nil {
		t.Fatal(err)
	}
	awaitLeader(timeout(t), t, cluster, leader)
}
