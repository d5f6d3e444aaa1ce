package etcdstore_test

import (
	"context"
	"testing"
	"time"

	"folio/internal/devcluster/etcd"
)

// adversary strikes the leader of a cluster, again and again.
type adversary struct {
	cluster *etcd.Cluster
	// progress returns how much the clients have achieved: the adversary lets
	// them work under each state of the cluster before it makes the next one.
	progress func() int64
	step     int64 // so much progress under each

	kills, pauses int
}

// kill kills the leader, lets the others go on without it, and starts it again.
func (a *adversary) kill(ctx context.Context, t *testing.T) {
	t.Helper()
	leader := awaitLeader(ctx, t, a.cluster, nil)
	if err := leader.Kill(); err != nil {
		t.Fatal(err)
	}
	a.kills++
	awaitLeader(ctx, t, a.cluster, leader)
	a.awaitProgress(ctx, t)
	if err := leader.Start(ctx); err != nil {
		t.Fatal(err)
	}
	a.awaitProgress(ctx, t)
}

// pause stops the leader in its tracks until another leads. When it goes on, it
// believes for a while that it still leads.
func (a *adversary) pause(ctx context.Context, t *testing.T) {
	t.Helper()
	leader := awaitLeader(ctx, t, a.cluster, nil)
	if err := leader.Stop(); err != nil {
		t.Fatal(err)
	}
	a.pauses++
	awaitLeader(ctx, t, a.cluster, leader)
	a.awaitProgress(ctx, t)
	if err := leader.Continue(); err != nil {
		t.Fatal(err)
	}
	a.awaitProgress(ctx, t)
}

func (a *adversary) awaitProgress(ctx context.Context, t *testing.T) {
	t.Helper()
	goal := a.progress() + a.step
	await(ctx, t, "the clients go on", func() bool { return a.progress() >= goal })
}

// awaitLeader waits until a member other than not leads.
func awaitLeader(ctx context.Context, t *testing.T, c *etcd.Cluster, not *etcd.Member) (leader *etcd.Member) {
	t.Helper()
	await(ctx, t, "a member leads", func() bool {
		m, err := c.Leader(ctx)
		leader = m
		return err == nil && m != not
	})
	return leader
}

// await polls until so is true, and fails the test when ctx ends first.
func await(ctx context.Context, t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not in time: %s", what)
		}
	}
}
