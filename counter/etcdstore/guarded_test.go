package etcdstore_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter/etcdstore"
	"folio/internal/devcluster/etcd"
)

// authority signs certificates for one test.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newAuthority makes one, whose own certificate is <name>.crt in dir.
func newAuthority(t *testing.T, dir, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	is := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, is, is, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, name+".crt"), "CERTIFICATE", der)
	if is, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &authority{dir: dir, cert: is, key: key}
}

// path returns where the authority's files are.
func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

// sign writes <file>.crt and <file>.key for somebody with the given common name,
// good for the given addresses.
func (a *authority) sign(t *testing.T, file, name string, addresses ...net.IP) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	is := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, IPAddresses: addresses,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, is, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, a.path(file+".crt"), "CERTIFICATE", der)
	text, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, a.path(file+".key"), "EC PRIVATE KEY", text)
}

func write(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// guarded is an etcd that asks everybody for a certificate and lets folio touch
// /folio/ only.
type guarded struct {
	*authority
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
	g := &guarded{authority: ca, endpoints: cluster.Endpoints()}
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
