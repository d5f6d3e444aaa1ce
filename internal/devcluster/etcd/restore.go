package etcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
)

// Snapshot writes what the first member has to a file, while all go on: as
// `etcdctl snapshot save` does.
func (c *Cluster) Snapshot(ctx context.Context, path string) error {
	_, err := snapshot.NewV3(zap.NewNop()).Save(ctx, clientConfig(c.members[0].Endpoint()), path)
	if err != nil {
		return fmt.Errorf("take a snapshot of etcd: %w", err)
	}
	return nil
}

// Restore says how etcd is restored.
type Restore struct {
	Snapshot string // the file that Snapshot wrote

	// BumpRevision is added to the revisions, and what lies below is marked as
	// compacted: etcdutl's --bump-revision and --mark-compacted. 0: revisions go back.
	BumpRevision uint64

	// AnotherCluster gives the restored etcd another cluster id. Otherwise it has that
	// of the etcd before, as with etcdutl's default token.
	AnotherCluster bool
}

// Restore kills all members and starts them again, at the same addresses, with
// nothing but what is in a snapshot: as `etcdutl snapshot restore` does.
func (c *Cluster) Restore(ctx context.Context, r Restore) error {
	return c.anew(ctx, "restore etcd", r.AnotherCluster, func(m member) error {
		return snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
			SnapshotPath: r.Snapshot, Name: m.Name, OutputDataDir: m.Dir, PeerURLs: []string{m.Peer},
			InitialCluster: m.Cluster, InitialClusterToken: m.token(),
			RevisionBump: r.BumpRevision, MarkCompacted: r.BumpRevision > 0,
		})
	})
}

// Place is what a member is started with: what etcdutl has to be told of it.
type Place struct {
	Name, Dir string
	Cluster   string // all members: name=peer,…
	Peer      string // its own URL for the others
}

// RestoreBy does what Restore does, by another's hand: restore puts a snapshot into each
// member's folder, which is gone by then.
func (c *Cluster) RestoreBy(ctx context.Context, restore func(Place) error) error {
	return c.anew(ctx, "restore etcd", false, func(m member) error {
		return restore(Place{Name: m.Name, Dir: m.Dir, Cluster: m.Cluster, Peer: m.Peer})
	})
}

// Lose kills all members, removes what they had, and starts new and empty ones at the
// same addresses: another cluster, with an id of its own.
func (c *Cluster) Lose(ctx context.Context) error {
	return c.anew(ctx, "make etcd anew", true, func(member) error { return nil })
}

// anew kills all members and starts them again with what fill puts into their folders.
func (c *Cluster) anew(ctx context.Context, doing string, another bool, fill func(member) error) error {
	for _, m := range c.members {
		if err := m.Kill(); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	token := c.members[0].is.Token
	if another {
		token = strconv.FormatInt(time.Now().UnixNano(), 36)
	}
	for _, m := range c.members {
		m.is.Token = token
		if err := errors.Join(os.RemoveAll(m.is.Dir), fill(m.is)); err != nil {
			return fmt.Errorf("%s: member %s: %w", doing, m.name, err)
		}
	}
	if err := c.startAll(ctx); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
