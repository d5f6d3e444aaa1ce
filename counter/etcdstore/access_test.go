package etcdstore_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
	"folio/counter/etcdstore"
)

// works shows that a client can do what a replica does.
func works(t *testing.T, client *clientv3.Client, pod string) {
	t.Helper()
	s := &etcdstore.Store{Client: client, TTL: 60}
	reg, err := s.Register(timeout(t), counter.Holder{Name: pod})
	if err != nil {
		t.Fatal(err)
	}
	old, version, err := s.Load(timeout(t), invoices)
	if err != nil {
		t.Fatal(err)
	}
	next, _, err := old.Reserve(counter.Want{Holder: pod, Count: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Swap(timeout(t), pod, invoices, version, next); err != nil {
		t.Fatal(err)
	}
	alive, err := s.Alive(timeout(t))
	if err != nil || len(alive) == 0 {
		t.Fatalf("alive: %v, %v", alive, err)
	}
	if err := reg.Close(timeout(t)); err != nil {
		t.Fatal(err)
	}
}

// sharingWorks shows that it can do so when many come at once.
func sharingWorks(t *testing.T, client *clientv3.Client) {
	t.Helper()
	g := behindGate(&etcdstore.Store{Client: client, TTL: 60})
	pod := g.register(t, 1)
	all := []*swapping{first(t, pod, numbered(0)), first(t, pod, numbered(1)), first(t, "nobody.1", numbered(2))}
	if had := g.shareSwaps(t, pod, all...); !slices.Equal(had, []int{len(all)}) {
		t.Errorf("calls of %v operations", had)
	}
	for i, want := range []error{nil, nil, counter.ErrLost} {
		if !errors.Is(all[i].err, want) {
			t.Errorf("swap %d: %v, want %v", i, all[i].err, want)
		}
	}
}

func TestTheUserThatACertificateNamesTouchesNothingButFolio(t *testing.T) {
	g := startGuarded(t)
	client := g.dial(t, g.access("folio"))
	works(t, client, "pod.1")
	sharingWorks(t, client)
	if _, err := client.Put(timeout(t), "/another", "x"); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("put outside of /folio/: %v, want permission denied", err)
	}
	if _, err := client.Get(timeout(t), "/", clientv3.WithPrefix()); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("read of everything: %v, want permission denied", err)
	}
}

func TestAnEtcdThatIsGuardedMayBeGuardedAgain(t *testing.T) {
	g := startGuarded(t)
	if err := etcdstore.Guard(timeout(t), g.root, "folio"); err != nil {
		t.Fatal(err)
	}
	works(t, g.dial(t, g.access("folio")), "pod.1")
}

func TestNobodyButRootGuards(t *testing.T) {
	g := startGuarded(t)
	if err := etcdstore.Guard(timeout(t), g.dial(t, g.access("folio")), "folio"); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("folio's own user: %v, want permission denied", err)
	}
	for _, user := range []string{"root", "", "Folio", "a/b"} {
		if err := etcdstore.Guard(timeout(t), g.root, user); err == nil {
			t.Errorf("user %q is not refused", user)
		}
	}
}

func TestAUserWithAPasswordFileIsServed(t *testing.T) {
	g := startGuarded(t)
	g.sign(t, "anybody", "") // a way in, and no name
	g.withPassword(t, "first")
	as := g.access("anybody")
	as.User, as.PasswordFile = "folio", g.path("password")
	if err := os.WriteFile(as.PasswordFile, []byte("first\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	client := g.dial(t, as)
	works(t, client, "pod.1")
	if _, err := g.root.UserChangePassword(timeout(t), "folio", "second"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(as.PasswordFile, []byte("second\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	works(t, client, "pod.2") // the same client, with no restart
}

// The file has the new password while etcd has the old one, then etcd has it too. Each
// time etcd has forgotten the client's token: it is started again, and it forgets those of
// a user whose password changes.
func TestAPasswordRotatesWithNoMomentAtWhichItIsRefused(t *testing.T) {
	g := startGuarded(t)
	g.sign(t, "anybody", "")
	g.withPassword(t, "first")
	as := g.access("anybody")
	as.User, as.PasswordFile = "folio", g.path("password")
	is := func(password string) {
		t.Helper()
		if err := os.WriteFile(as.PasswordFile, []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	is("first")
	client := g.dial(t, as)
	works(t, client, "pod.1")
	is("second")
	if err := g.member.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := g.member.Start(timeout(t)); err != nil {
		t.Fatal(err)
	}
	works(t, client, "pod.2")
	if _, err := g.root.UserChangePassword(timeout(t), "folio", "second"); err != nil {
		t.Fatal(err)
	}
	works(t, client, "pod.3")
}

// Two users take turns: the old one is gone before the client has noticed, and the
// client goes on as the new one.
func TestTheUserOfAFileMayBeAnotherWithoutARestart(t *testing.T) {
	g := startGuarded(t)
	g.sign(t, "anybody", "")
	g.withPassword(t, "first")
	as := g.access("anybody")
	as.UserFile, as.PasswordFile = g.path("user"), g.path("password")
	is := func(user, password string) {
		t.Helper()
		for path, text := range map[string]string{as.UserFile: user + "\n", as.PasswordFile: password + "\n"} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	is("folio", "first")
	client := g.dial(t, as)
	works(t, client, "pod.1")
	if _, err := g.root.UserAdd(timeout(t), "folio-2", "second"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.root.UserGrantRole(timeout(t), "folio-2", "folio"); err != nil {
		t.Fatal(err)
	}
	is("folio-2", "second")
	if _, err := g.root.UserDelete(timeout(t), "folio"); err != nil {
		t.Fatal(err)
	}
	works(t, client, "pod.2")
}

func TestAClientWithAPasswordComesIntoBeingWhileEtcdIsAway(t *testing.T) {
	client, err := etcdstore.Access{User: "folio", Password: "first"}.Dial(t.Context(), []string{"127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	refused(t, client)
}

func TestAClientWithAPasswordIsServedByAnEtcdThatAsksForNone(t *testing.T) {
	client, err := etcdstore.Access{User: "folio", Password: "first"}.Dial(t.Context(), startEtcd(t, 1).Endpoints())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	works(t, client, "pod.1")
}

func TestAWrongPasswordIsToldOfEachCall(t *testing.T) {
	g := startGuarded(t)
	g.sign(t, "anybody", "")
	g.withPassword(t, "first")
	as := g.access("anybody")
	as.User, as.Password = "folio", "wrong"
	if _, err := g.dial(t, as).Get(timeout(t), "/folio/ledger/x"); err == nil || !strings.Contains(err.Error(), "authentication failed") {
		t.Errorf("got %v, want that authentication failed", err)
	}
}

func TestAnEtcdThatAnotherAuthoritySignedIsNotSpokenTo(t *testing.T) {
	g := startGuarded(t)
	newAuthority(t, g.dir, "stranger")
	as := g.access("folio")
	as.CA = g.path("stranger.crt")
	refused(t, g.dial(t, as))
}

func TestAnEtcdAtAnotherAddressThanItsCertificateNamesIsNotSpokenTo(t *testing.T) {
	g := startGuarded(t)
	g.endpoints = []string{strings.Replace(g.endpoints[0], "127.0.0.1", "localhost", 1)}
	refused(t, g.dial(t, g.access("folio")))
}

func TestAClientWithoutACertificateIsTurnedAway(t *testing.T) {
	g := startGuarded(t)
	refused(t, g.dial(t, etcdstore.Access{CA: g.path("ca.crt")}))
}

func refused(t *testing.T, client *clientv3.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := client.Get(ctx, "/folio/ledger/x"); err == nil {
		t.Fatal("a read was answered")
	}
}

// TestCertificatesAreReadForEachConnection takes the file that etcd's certificate
// is held against away and puts it back: the same client is refused and served.
func TestCertificatesAreReadForEachConnection(t *testing.T) {
	g := startGuarded(t)
	newAuthority(t, g.dir, "stranger")
	own, err := os.ReadFile(g.path("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	as := g.access("folio")
	as.CA = g.path("now.crt")
	stranger, err := os.ReadFile(g.path("stranger.crt"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(as.CA, stranger, 0o600); err != nil {
		t.Fatal(err)
	}
	client := g.dial(t, as)
	refused(t, client)
	if err := os.WriteFile(as.CA, own, 0o600); err != nil {
		t.Fatal(err)
	}
	for ctx := timeout(t); ; {
		_, err := client.Get(ctx, "/folio/ledger/x")
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("the new file is not read: %v", err)
		}
	}
	works(t, client, "pod.1")
}

func TestWhatCanOnlyBeAMistakeIsToldBeforeAnythingIsDialled(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t, dir, "ca")
	ca.sign(t, "folio", "folio")
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		as       etcdstore.Access
		endpoint string
		want     string
	}{
		"a certificate without its key": {etcdstore.Access{Cert: ca.path("folio.crt")}, "a:1", "belong together"},
		"a user without a password":     {etcdstore.Access{User: "folio"}, "a:1", "belong together"},
		"a password without a user":     {etcdstore.Access{Password: "x"}, "a:1", "belong together"},
		"two users":                     {etcdstore.Access{User: "folio", UserFile: empty, Password: "x"}, "a:1", "give one of them"},
		"an empty user file":            {etcdstore.Access{UserFile: empty, Password: "x"}, "a:1", "is empty"},
		"two passwords":                 {etcdstore.Access{User: "folio", Password: "x", PasswordFile: empty}, "a:1", "give one of them"},
		"an empty password file":        {etcdstore.Access{User: "folio", PasswordFile: empty}, "a:1", "is empty"},
		"a CA that is not there":        {etcdstore.Access{CA: ca.path("none")}, "a:1", "no such file"},
		"a CA that is none":             {etcdstore.Access{CA: empty}, "a:1", "no certificate in PEM"},
		"a key as certificate":          {etcdstore.Access{Cert: ca.path("folio.key"), Key: ca.path("folio.key")}, "a:1", "read the certificate for etcd"},
		"a CA and http":                 {etcdstore.Access{CA: ca.path("ca.crt")}, "http://a:1", "in the clear"},
		"a password in an endpoint":     {etcdstore.Access{}, "http://root:hunter2@a:1", "an endpoint has a user or a password in it"},
		"one without a scheme":          {etcdstore.Access{CA: ca.path("ca.crt")}, "root:hunter2@a:1", "an endpoint has a user or a password in it"},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := c.as.Dial(t.Context(), []string{c.endpoint})
			if err == nil {
				client.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("it tells a password: %v", err)
			}
		})
	}
}

// TestEveryCertificateRotatesWithoutARestartOfTheClient puts etcd under another
// authority: a server that believes neither the old certificate of the client, nor is
// believed by it. The same client is refused, is given the new files in the place of the
// old, and is served.
func TestEveryCertificateRotatesWithoutARestartOfTheClient(t *testing.T) {
	g := startGuarded(t)
	own := newAuthority(t, t.TempDir(), "ca") // the client's own copies
	as := etcdstore.Access{CA: own.path("now.crt"), Cert: own.path("folio.crt"), Key: own.path("folio.key")}
	rotate := func() {
		t.Helper()
		for to, from := range map[string]string{as.CA: "ca.crt", as.Cert: "folio.crt", as.Key: "folio.key"} {
			text, err := os.ReadFile(g.path(from))
			if err == nil {
				err = os.WriteFile(to, text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	rotate()
	client := g.dial(t, as)
	works(t, client, "pod.1")

	next := newAuthority(t, g.dir, "ca")
	next.sign(t, "server", "etcd", net.IPv4(127, 0, 0, 1))
	next.sign(t, "folio", "folio")
	if err := g.member.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := g.member.Start(timeout(t)); err != nil {
		t.Fatal(err)
	}
	refused(t, client)
	rotate()
	for ctx := timeout(t); ; {
		_, err := client.Get(ctx, "/folio/ledger/x")
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("the new files are not read: %v", err)
		}
	}
	works(t, client, "pod.2")
}
