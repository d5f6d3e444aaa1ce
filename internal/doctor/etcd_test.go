package doctor

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter/etcdstore"
	"folio/internal/devcluster/authority"
	"folio/internal/devcluster/etcd"
)

func clientOf(t *testing.T) *clientv3.Client {
	t.Helper()
	client, err := etcdstore.Dial(context.Background(), stores.etcd.Endpoints())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// start starts another etcd, for one test.
func start(t *testing.T, cfg etcd.Config) *etcd.Cluster {
	t.Helper()
	cfg.Dir, cfg.Fast = t.TempDir(), true
	c, err := etcd.Start(within(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, m := range c.Members() {
			if err := m.Kill(); err != nil {
				t.Error(err)
			}
		}
	})
	return c
}

func TestAMemberThatIsDownIsFound(t *testing.T) {
	m := stores.etcd.Member(1)
	for how, c := range map[string]struct{ fail, back func() error }{
		"killed":  {m.Kill, func() error { return m.Start(within(t)) }},
		"stopped": {m.Stop, m.Continue},
	} {
		t.Run(how, func(t *testing.T) {
			if err := c.fail(); err != nil {
				t.Fatal(err)
			}
			awaitLeader(t)
			find(t, healthy(), wrong{Warning, "etcd/endpoint", "member runs"})
			if err := c.back(); err != nil {
				t.Fatal(err)
			}
			awaitLeader(t)
		})
	}
}

// awaitLeader waits until most members agree.
func awaitLeader(t *testing.T) {
	t.Helper()
	client := clientOf(t)
	eventually(t, "etcd answers", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.Get(ctx, "/folio/x")
		return err == nil
	})
}

func TestAnEtcdWithoutAMajorityIsFound(t *testing.T) {
	c := start(t, etcd.Config{Members: 3})
	for _, m := range c.Members()[1:] {
		if err := m.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	p := healthy()
	p.Endpoints = c.Endpoints()
	eventually(t, "the one that is left has noticed", func() bool {
		for _, f := range Examine(t.Context(), p).Findings {
			if f.Check == "leader" {
				return f.State == Fault
			}
		}
		return false
	})
	find(t, p, wrong{Fault, "etcd/leader", "more than half"}, wrong{Fault, "etcd/latency", "more than half"},
		wrong{Warning, "etcd/endpoint", "member runs"}, wrong{Warning, "etcd/endpoint", "member runs"})
}

func TestAnAlarmIsFound(t *testing.T) {
	c := start(t, etcd.Config{})
	client, err := etcdstore.Dial(t.Context(), c.Endpoints())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	status, err := client.Status(within(t), c.Endpoints()[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = pb.NewMaintenanceClient(client.ActiveConnection()).Alarm(within(t), &pb.AlarmRequest{
		Action: pb.AlarmRequest_ACTIVATE, MemberID: status.Header.MemberId, Alarm: pb.AlarmType_NOSPACE,
	})
	if err != nil {
		t.Fatal(err)
	}
	p := healthy()
	p.Endpoints = c.Endpoints()
	find(t, p, wrong{Fault, "etcd/alarms", "etcdctl alarm disarm"})
}

func TestAQuotaThatIsNearlyUsedUpIsFound(t *testing.T) {
	c := start(t, etcd.Config{Quota: 16 << 20})
	p := healthy()
	p.Endpoints = c.Endpoints()
	find(t, p)
	big, i := strings.Repeat("x", 1<<18), 0
	eventually(t, "the database has grown", func() bool {
		i++
		if err := c.Put(within(t), fmt.Sprintf("/folio/x%d", i), big); err != nil {
			t.Fatal(err)
		}
		for _, f := range Examine(t.Context(), p).Findings {
			if f.Check == "quota" {
				return f.State == Warning
			}
		}
		return false
	})
	find(t, p, wrong{Warning, "etcd/quota", "defrag"})
}

func TestAUserWhomNobodyAsksForIsFound(t *testing.T) {
	p := healthy()
	p.Etcd.User, p.Etcd.Password = "folio", "secret"
	find(t, p, wrong{Warning, "etcd/access", "folio guard"})
}

func TestAUserWithOtherRightsThanFoliosIsFound(t *testing.T) {
	ca, err := authority.New(t.TempDir(), "ca")
	if err != nil {
		t.Fatal(err)
	}
	for file, name := range map[string]string{"server": "etcd", "root": "root", "folio": "folio", "nobody": "nobody"} {
		if err := ca.Sign(file, name, net.IPv4(127, 0, 0, 1)); err != nil {
			t.Fatal(err)
		}
	}
	c := start(t, etcd.Config{TLS: &etcd.TLS{CA: ca.Path("ca.crt"), Cert: ca.Path("server.crt"), Key: ca.Path("server.key")}})
	p := healthy()
	p.Endpoints = c.Endpoints()
	by := func(name string) Patient {
		p.Etcd = etcdstore.Access{CA: ca.Path("ca.crt"), Cert: ca.Path(name + ".crt"), Key: ca.Path(name + ".key")}
		return p
	}
	find(t, by("folio"), wrong{Warning, "etcd/access", "folio guard"}) // before it is guarded
	client, err := by("root").Etcd.Dial(t.Context(), c.Endpoints())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := etcdstore.Guard(within(t), client, "folio"); err != nil {
		t.Fatal(err)
	}
	find(t, by("folio"))
	find(t, by("root"), wrong{Warning, "etcd/access", "a user of its own"})
	if _, err := client.UserAddWithOptions(within(t), "nobody", "", &clientv3.UserAddOptions{NoPassword: true}); err != nil {
		t.Fatal(err)
	}
	find(t, by("nobody"), wrong{Fault, "etcd/access", "folio guard"})

	stranger, err := authority.New(t.TempDir(), "ca")
	if err != nil {
		t.Fatal(err)
	}
	p = by("folio")
	p.Etcd.CA = stranger.Path("ca.crt")
	find(t, p, wrong{Fault, "etcd/endpoint", "compare the certificates"})
	p = by("folio")
	if err := stranger.Sign("folio", "folio"); err != nil {
		t.Fatal(err)
	}
	p.Etcd.Cert, p.Etcd.Key = stranger.Path("folio.crt"), stranger.Path("folio.key")
	find(t, p, wrong{Fault, "etcd/endpoint", "compare the certificates"})
	p.Etcd = etcdstore.Access{}
	find(t, p, wrong{Fault, "etcd/endpoint", "speaks TLS"})
	p.Etcd = etcdstore.Access{CA: t.TempDir() + "/none"}
	find(t, p, wrong{Fault, "etcd/endpoint", "correct the settings"})
}

func TestAWrongPasswordOfEtcdIsFound(t *testing.T) {
	c := start(t, etcd.Config{})
	client, err := etcdstore.Dial(t.Context(), c.Endpoints())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := within(t)
	_, errUser := client.UserAdd(ctx, "root", "secret")
	_, errRole := client.UserGrantRole(ctx, "root", "root")
	if _, err := client.AuthEnable(ctx); err != nil {
		t.Fatal(err, errUser, errRole)
	}
	p := healthy()
	p.Endpoints = c.Endpoints()
	p.Etcd = etcdstore.Access{User: "root", Password: "wrong"}
	p.Within = 20 * time.Second // to compare a password is meant to take long
	find(t, p, wrong{Fault, "etcd/endpoint", "FOLIO_ETCD_PASSWORD_FILE"})
	p.Etcd = etcdstore.Access{}
	find(t, p, wrong{Fault, "etcd/endpoint", "FOLIO_ETCD_PASSWORD_FILE"})
}

func TestMembersOfTwoClustersAreFound(t *testing.T) {
	p := healthy()
	p.Endpoints = append(p.Endpoints, start(t, etcd.Config{}).Endpoints()...)
	find(t, p, wrong{Fault, "etcd/leader", "members of one cluster"})
}

func TestOldVersionsOfEtcdAreFound(t *testing.T) {
	for v, want := range map[string]State{"3.4.30": Fault, "3.5.2": Fault, "3.5.21": Warning, "3.6.0": OK, "3.7.0-alpha.1": OK, "4.0": OK, "what": Fault} {
		got := version([]answer{{Member: etcdstore.Member{Version: "3.7.3"}}, {Member: etcdstore.Member{Version: v}}})
		if got.State != want {
			t.Errorf("%s: %+v, want %s", v, got, want)
		}
	}
	if got := quota(etcdstore.Member{Size: 1 << 20}); got.State != Unknown {
		t.Errorf("a quota that is not told: %+v", got)
	}
}
