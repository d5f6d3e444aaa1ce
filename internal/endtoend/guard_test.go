package endtoend

import (
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"folio/counter/etcdstore"
	"folio/internal/devcluster"
	"folio/internal/devcluster/authority"
	"folio/internal/devcluster/etcd"
)

// TestAReplicaServesOnAGuardedEtcdAndTouchesNothingElse has etcd ask for certificates, guards
// it by folio guard with root's, and serves as the user that folio's own certificate names.
func TestAReplicaServesOnAGuardedEtcdAndTouchesNothingElse(t *testing.T) {
	ca, err := authority.New(t.TempDir(), "ca")
	if err != nil {
		t.Fatal(err)
	}
	for file, addresses := range map[string][]net.IP{"server": {net.IPv4(127, 0, 0, 1)}, "root": nil, "folio": nil} {
		if err := ca.Sign(file, file, addresses...); err != nil {
			t.Fatal(err)
		}
	}
	guarded, err := etcd.Start(within(t, time.Minute), etcd.Config{
		Dir: t.TempDir(), Members: 3, Fast: true,
		TLS: &etcd.TLS{CA: ca.Path("ca.crt"), Cert: ca.Path("server.crt"), Key: ca.Path("server.key")},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, m := range guarded.Members() {
			if err := m.Kill(); err != nil {
				t.Error(err)
			}
		}
	})
	as := func(user string) []string {
		return []string{
			"FOLIO_ETCD_ENDPOINTS=" + strings.Join(guarded.Endpoints(), ","), "FOLIO_ETCD_CA=" + ca.Path("ca.crt"),
			"FOLIO_ETCD_CERT=" + ca.Path(user+".crt"), "FOLIO_ETCD_KEY=" + ca.Path(user+".key"),
		}
	}
	c := startCluster(t, devcluster.Config{Replicas: 1}) // of which Postgres is needed
	if err := c.Replicas[0].Terminate(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	folio := func(user string, args ...string) (string, error) {
		cmd := exec.CommandContext(within(t, time.Minute), filepath.Join(bin, "folio"), args...)
		cmd.Env = append(append(c.Env(), "POD_NAME=replica-1"), as(user)...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := folio("folio", "doctor"); err != nil || !strings.Contains(out, "warning  etcd") {
		t.Errorf("the doctor does not warn of an etcd that folio may do everything in: %v\n%s", err, out)
	}
	if out, err := folio("root", "guard"); err != nil || !strings.Contains(out, "folio may touch /folio/, root everything") {
		t.Fatalf("folio guard: %v\n%s", err, out)
	}
	if out, err := folio("folio", "guard"); err == nil {
		t.Errorf("folio's own user may guard etcd:\n%s", out)
	}
	r, err := c.Add(as("folio")...)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	key := tenant(t, c, "acme")
	for range 3 {
		if got := issue(t, connect(t, r, key), "", []byte(smallBody)); got.JSON201 == nil {
			t.Fatalf("%s: %s", got.Status(), got.Body)
		}
	}
	for _, args := range [][]string{{"doctor"}, {"audit"}} {
		if out, err := folio("folio", args...); err != nil || !strings.Contains(out, " 0 faults, 0 warnings, 0 unknown") && !strings.Contains(out, "3 issued, 0 void") {
			t.Errorf("folio %s: %v\n%s", args[0], err, out)
		}
	}
	own := etcdstore.Access{CA: ca.Path("ca.crt"), Cert: ca.Path("folio.crt"), Key: ca.Path("folio.key")}
	client, err := own.Dial(t.Context(), guarded.Endpoints())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, key := range []string{"/another", "/folio", "/foliox/ledger/x"} {
		if _, err := client.Put(within(t, 10*time.Second), key, "x"); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("put %s: %v, want permission denied", key, err)
		}
		if _, err := client.Get(within(t, 10*time.Second), key); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("get %s: %v, want permission denied", key, err)
		}
	}
}
