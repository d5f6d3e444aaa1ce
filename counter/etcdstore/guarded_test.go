package etcdstore_test

import (
	"context"
	"net"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter/etcdstore"
	"folio/internal/devcluster/authority"
	"folio/internal/devcluster/etcd"
)

// signer is an authority whose failures are the test's.
type signer struct {
	*authority.Authority
	dir string
}

// newAuthority makes one, whose own certificate is <name>.crt in dir.
func newAuthority(t *testing.T, dir, name string) signer {
	t.Helper()
	a, err := authority.New(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return signer{a, dir}
}

func (s signer) path(name string) string { return s.Path(name) }

func (s signer) sign(t *testing.T, file, name string, addresses ...net.IP) {
	t.Helper()
	if err := s.Sign(file, name, addresses...); err != nil {
		t.Fatal(err)
	}
}

// guarded is an etcd that asks everybody for a certificate and lets folio touch
// /folio/ only.
type guarded struct {
	signer
	member    *etcd.Member
	endpoints []string
	root      *clientv3.Client
}

// access is that of the client whose files bear the name.
func (g *guarded) access(name string) etcdstore.Access {
	return etcdstore.Access{CA: g.path("ca.crt"), Cert: g.path(name + ".crt"), Key: g.path(name + ".key")}
}

func startGuarded(t *testing.T) *guarded {
	t.Helper()
	ca := newAuthority(t, t.TempDir(), "ca")
	ca.sign(t, "server", "etcd", net.IPv4(127, 0, 0, 1))
	ca.sign(t, "root", "root")
	ca.sign(t, "folio", "folio")
	cluster, err := etcd.Start(timeout(t), etcd.Config{
		Dir: t.TempDir(), Fast: true,
		TLS: &etcd.TLS{CA: ca.path("ca.crt"), Cert: ca.path("server.crt"), Key: ca.path("server.key")},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Member(0).Kill(); err != nil {
			t.Error(err)
		}
	})
	g := &guarded{signer: ca, member: cluster.Member(0), endpoints: cluster.Endpoints()}
	g.root = g.dial(t, g.access("root"))
	if err := etcdstore.Guard(timeout(t), g.root, "folio"); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *guarded) dial(t *testing.T, as etcdstore.Access) *clientv3.Client {
	t.Helper()
	client, err := as.Dial(context.Background(), g.endpoints)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// withPassword gives folio's user a password, too.
func (g *guarded) withPassword(t *testing.T, password string) {
	t.Helper()
	if _, err := g.root.UserDelete(timeout(t), "folio"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.root.UserAdd(timeout(t), "folio", password); err != nil {
		t.Fatal(err)
	}
	if _, err := g.root.UserGrantRole(timeout(t), "folio", "folio"); err != nil {
		t.Fatal(err)
	}
}
