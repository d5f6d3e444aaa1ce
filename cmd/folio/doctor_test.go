package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
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
