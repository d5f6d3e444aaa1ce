package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"folio/internal/doctor"
)

func TestTheDoctorTellsByItsStatus(t *testing.T) {
	noEnvironment(t)
	nobody := []string{"doctor", "--database-url", "postgres://folio:hunter2@127.0.0.1:1/books?sslmode=disable", "--etcd-endpoints", "127.0.0.1:1"}
	status, out, stderr := folio(t, nobody...)
	if status != 1 || !strings.Contains(out, "fault    postgres  connect") || !strings.Contains(stderr, "there are faults") {
		t.Errorf("nothing answers: status %d, %s%s", status, out, stderr)
	}
	if strings.Contains(out+stderr, "hunter2") {
		t.Errorf("it tells the password: %s%s", out, stderr)
	}
	status, out, _ = folio(t, append(nobody, "--format", "json")...)
	var report struct {
		Format string
		Faults int
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || status != 1 || report.Format != "folio-doctor/1" || report.Faults != 2 {
		t.Errorf("as JSON: status %d, %v, %s", status, err, out)
	}
	for _, args := range [][]string{{"doctor"}, {"doctor", "--no-such-flag"}, append(nobody, "--within", "0s"), append(nobody, "--format", "xml")} {
		if status, _, stderr := folio(t, args...); status != statusNotUnderstood || stderr == "" {
			t.Errorf("folio %v: status %d, %q", args, status, stderr)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var told bytes.Buffer
	if status := run(ctx, nobody, &told, &told); status != statusUnfinished || !strings.Contains(told.String(), "interrupted") {
		t.Errorf("interrupted: status %d, %s", status, told.String())
	}
}

func TestAStoreOfWhichNothingIsKnownIsNoPass(t *testing.T) {
	of := func(part string, state doctor.State) doctor.Finding { return doctor.Finding{Part: part, State: state} }
	for how, c := range map[string]struct {
		found []doctor.Finding
		want  string // of the error; "" for none
	}{
		"both are known":        {[]doctor.Finding{of("etcd", doctor.OK), of("postgres", doctor.OK), of("postgres", doctor.Unknown), of("dns", doctor.Warning)}, ""},
		"etcd is unknown":       {[]doctor.Finding{of("etcd", doctor.Unknown), of("postgres", doctor.OK), of("dns", doctor.OK)}, "about etcd;"},
		"Postgres is unknown":   {[]doctor.Finding{of("etcd", doctor.OK), of("postgres", doctor.Unknown), of("clock", doctor.OK)}, "about postgres;"},
		"a warning is not much": {[]doctor.Finding{of("etcd", doctor.Warning), of("postgres", doctor.OK)}, "about etcd;"},
		"nothing is known":      {nil, "about etcd and postgres;"},
		"there is a fault":      {[]doctor.Finding{of("etcd", doctor.Fault), of("postgres", doctor.Unknown)}, errFaults.Error()},
	} {
		err := verdict(doctor.Report{Findings: c.found})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", how, err, c.want)
		}
	}
}
