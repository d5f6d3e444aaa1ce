package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"folio/invoices"
)

func TestANameThatDoesNotResolveIsFound(t *testing.T) {
	p := healthy()
	p.Endpoints = append(p.Endpoints, "etcd-9.nonesuch.invalid:2379")
	find(t, p, wrong{Fault, "dns/resolve", "Service or record"})
	p = healthy()
	p.Postgres.URL = strings.Replace(p.Postgres.URL, "127.0.0.1", "nonesuch.invalid", 1)
	find(t, p, wrong{Fault, "dns/resolve", "Service or record"})
}

func TestAPasswordInAnEndpointIsFoundAndNotTold(t *testing.T) {
	p := healthy()
	p.Endpoints = []string{"http://root:hunter2@localhost:1", "root:hunter2@localhost:2", "http://root:hunter2@localhost"}
	r := find(t, p, wrong{Fault, "etcd/endpoint", "correct the settings"})
	var out bytes.Buffer
	if err := errors.Join(r.WriteText(&out), r.WriteJSON(&out)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hunter2") || !strings.Contains(out.String(), "localhost: 1 addresses") && !strings.Contains(out.String(), "localhost: 2 addresses") {
		t.Errorf("it tells the password, or not the name:\n%s", out.String())
	}
}

func TestANameThatResolvesSlowlyIsFound(t *testing.T) {
	p := healthy()
	for i, e := range p.Endpoints {
		p.Endpoints[i] = strings.Replace(e, "127.0.0.1", "localhost", 1)
	}
	find(t, p)
	p.Resolve = func(context.Context, string) ([]string, error) {
		time.Sleep(slowName + time.Millisecond)
		return []string{"127.0.0.1"}, nil
	}
	find(t, p, wrong{Warning, "dns/resolve", "the cluster's DNS"})
}

func TestSettingsThatHurtAreFound(t *testing.T) {
	p := healthy()
	p.PodName = ""
	find(t, p, wrong{Warning, "settings/pod-name", "POD_NAME"})
	for ttl, want := range map[time.Duration]State{0: Fault, 1500 * time.Millisecond: Fault, time.Second: Warning, 5 * time.Minute: Warning} {
		p := healthy()
		p.LeaseTTL = ttl
		find(t, p, wrong{want, "settings/lease-ttl", "FOLIO_LEASE_TTL"})
	}
}

// Both stores take connections and say nothing, and DNS hangs for ever.
func TestItEndsInTimeAlthoughEverythingHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // the kernel accepts, nobody reads
	hangs := make(chan struct{})
	defer close(hangs)
	p := healthy()
	p.Endpoints = []string{l.Addr().String(), "localhost:1"}
	p.Postgres = invoices.DBConfig{URL: "postgres://folio@" + l.Addr().String() + "/books?sslmode=disable"}
	p.Resolve = func(context.Context, string) ([]string, error) { <-hangs; return nil, nil }
	p.Within = 2 * time.Second
	begun := time.Now()
	r := Examine(t.Context(), p)
	if took := time.Since(begun); took > p.Within+2*slack {
		t.Errorf("it took %s", took)
	}
	states := map[string]State{}
	for _, f := range r.Findings {
		states[f.Part+"/"+f.Check] = f.State
		if f.State == OK && f.Check != "pod-name" {
			t.Errorf("%+v", f)
		}
	}
	if states["etcd/endpoint"] != Fault || states["postgres/connect"] != Fault || states["dns/resolve"] != Unknown {
		t.Errorf("%v", states)
	}
}

// No name resolves, and DNS does not say so: there is no fault to tell, nor a pass.
func TestItIsToldThatNothingIsKnown(t *testing.T) {
	hangs := make(chan struct{})
	defer close(hangs)
	p := healthy()
	p.Endpoints = []string{"etcd.nonesuch.invalid:2379"}
	p.Postgres.URL = strings.Replace(p.Postgres.URL, "127.0.0.1", "nonesuch.invalid", 1)
	p.Resolve = func(context.Context, string) ([]string, error) { <-hangs; return nil, nil }
	if r := find(t, p); !slices.Equal(r.Dark(), []string{"etcd", "postgres"}) {
		t.Errorf("of %v nothing is known: %+v", r.Dark(), r)
	}
	if r := find(t, healthy()); r.Dark() != nil {
		t.Errorf("all is well, and of %v nothing is known", r.Dark())
	}
}

func TestAReportIsWrittenForPeopleAndForPrograms(t *testing.T) {
	r := Report{Findings: []Finding{
		{Part: "etcd", Check: "alarms", State: OK, Seen: "none"},
		{Part: "postgres", Check: "full-page-writes", State: Fault, Seen: "off\nfor good", Do: "set it on"},
		{Part: "dns", Check: "resolve", On: "etcd-0", State: Warning, Seen: "slow", Do: "see DNS"},
	}}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	want := `ok       etcd      alarms            none
fault    postgres  full-page-writes  off for good
                                     -> set it on
warning  dns       resolve           etcd-0: slow
                                     -> see DNS
3 checks: 1 ok, 1 faults, 1 warnings, 0 unknown
`
	if text.String() != want {
		t.Errorf("got\n%swant\n%s", text.String(), want)
	}
	text.Reset()
	if err := r.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Format   string
		Faults   int
		Findings []Finding
	}
	if err := json.Unmarshal(text.Bytes(), &got); err != nil || got.Format != format || got.Faults != 1 || len(got.Findings) != 3 || got.Findings[1] != r.Findings[1] {
		t.Errorf("%+v, %v", got, err)
	}
}
