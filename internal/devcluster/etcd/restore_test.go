package etcd_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/internal/devcluster/etcd"
)

// now is which history etcd is in.
type now struct {
	cluster  uint64
	revision int64
}

func ask(t *testing.T, ctx context.Context, c *etcd.Cluster) now {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: c.Endpoints()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got, err := client.Get(ctx, "any")
	if err != nil {
		t.Fatal(err)
	}
	return now{cluster: got.Header.ClusterId, revision: got.Header.Revision}
}

// has checks the value of a key; "" is none.
func has(t *testing.T, ctx context.Context, c *etcd.Cluster, key, want string) {
	t.Helper()
	got, found, err := c.Get(ctx, key)
	if err != nil || got != want || found != (want != "") {
		t.Errorf("%s = %q, found %t, %v; want %q", key, got, found, err, want)
	}
}

func put(t *testing.T, ctx context.Context, c *etcd.Cluster, key, value string) {
	t.Helper()
	if err := c.Put(ctx, key, value); err != nil {
		t.Fatal(err)
	}
}

func TestARestoredEtcdHasWhatWasInTheSnapshot(t *testing.T) {
	for _, members := range []int{1, 3} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c := start(t, ctx, members)
		put(t, ctx, c, "kept", "old")
		file := filepath.Join(t.TempDir(), "snapshot.db")
		if err := c.Snapshot(ctx, file); err != nil {
			t.Fatal(err)
		}
		put(t, ctx, c, "kept", "new")
		put(t, ctx, c, "later", "new")
		before := ask(t, ctx, c)

		restore(t, ctx, c, etcd.Restore{Snapshot: file})
		has(t, ctx, c, "kept", "old")
		has(t, ctx, c, "later", "")
		if after := ask(t, ctx, c); after.cluster != before.cluster || after.revision >= before.revision {
			t.Errorf("%d members: restored to %+v, was %+v; want the same cluster at an earlier revision", members, after, before)
		}
		restore(t, ctx, c, etcd.Restore{Snapshot: file, BumpRevision: 1_000_000, AnotherCluster: true})
		has(t, ctx, c, "kept", "old")
		if after := ask(t, ctx, c); after.cluster == before.cluster || after.revision < 1_000_000 {
			t.Errorf("%d members: restored to %+v, was %+v; want another cluster at a much later revision", members, after, before)
		}
	}
}

func restore(t *testing.T, ctx context.Context, c *etcd.Cluster, r etcd.Restore) {
	t.Helper()
	if err := c.Restore(ctx, r); err != nil {
		t.Fatal(err)
	}
}

func TestALostEtcdIsAnotherAndEmpty(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := start(t, ctx, 3)
	put(t, ctx, c, "kept", "old")
	before := ask(t, ctx, c)
	if err := c.Lose(ctx); err != nil {
		t.Fatal(err)
	}
	has(t, ctx, c, "kept", "")
	if after := ask(t, ctx, c); after.cluster == before.cluster || after.revision >= before.revision {
		t.Errorf("made anew it is %+v, was %+v", after, before)
	}
}

func TestAKeyIsDeletedOnlyIfItIsThere(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := start(t, ctx, 1)
	put(t, ctx, c, "key", "value")
	if err := c.Delete(ctx, "key"); err != nil {
		t.Error(err)
	}
	has(t, ctx, c, "key", "")
	if err := c.Delete(ctx, "key"); err == nil {
		t.Error("a key that is not there was deleted")
	}
}
