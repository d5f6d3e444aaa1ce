package etcd_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"folio/internal/devcluster/etcd"
)

func TestMain(m *testing.M) {
	etcd.RunIfMember()
	goleak.VerifyTestMain(m)
}

func TestAKilledLeaderIsFollowedByAnotherAndComesBack(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := start(t, ctx, 3)
	first := awaitLeader(t, ctx, c, nil)
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	second := awaitLeader(t, ctx, c, first)
	if err := first.Start(ctx); err != nil {
		t.Fatalf("the killed member %s does not come back: %v", first.Name(), err)
	}
	if got := awaitLeader(t, ctx, c, nil); got != second {
		t.Logf("%s led after %s came back, %s before", got.Name(), first.Name(), second.Name())
	}
}

func TestWithoutAMajorityNobodyLeads(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := start(t, ctx, 3)
	leader := awaitLeader(t, ctx, c, nil)
	for _, m := range c.Members() {
		if m != leader {
			if err := m.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for {
		_, err := c.Leader(ctx)
		if errors.Is(err, etcd.ErrNoLeader) {
			return
		}
		if !pause(ctx) {
			t.Fatalf("a leader without a majority goes on saying that it leads: %v", err)
		}
	}
}

func TestAClusterAtRestEndsAtOnce(t *testing.T) {
	for _, members := range []int{1, 3} {
		c := start(t, t.Context(), members)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Errorf("%d members: %v", members, err)
		}
	}
}

func start(t *testing.T, ctx context.Context, members int) *etcd.Cluster {
	t.Helper()
	c, err := etcd.Start(ctx, etcd.Config{Dir: t.TempDir(), Members: members, Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return c
}

// awaitLeader polls until a member other than not leads.
func awaitLeader(t *testing.T, ctx context.Context, c *etcd.Cluster, not *etcd.Member) *etcd.Member {
	t.Helper()
	for {
		m, err := c.Leader(ctx)
		if err == nil && m != not {
			return m
		}
		if !pause(ctx) {
			t.Fatalf("no leader in time: %v", err)
		}
	}
}

// pause waits before the next poll; false once ctx has ended.
func pause(ctx context.Context) bool {
	select {
	case <-time.After(20 * time.Millisecond):
		return true
	case <-ctx.Done():
		return false
	}
}
