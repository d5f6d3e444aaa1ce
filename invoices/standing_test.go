package invoices

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// stands reads "epoch.timeline.system lsn beat".
func stands(t testing.TB, text string) standing {
	t.Helper()
	if text == "" {
		return standing{}
	}
	parts := strings.Fields(text)
	if len(parts) == 2 {
		parts = append(parts, "0")
	}
	s, _, err := parseStanding(strings.Join(append(parts, "0"), " "))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAPostgresIsComparedWithWhatWasSeenOfIt(t *testing.T) {
	t.Parallel()
	const seen = "3.00000002.7 1/500 40"
	for _, row := range []struct {
		what, noted, now string
		refused          string // a word of why; "": it is not
	}{
		{"nothing was noted", "", "0.00000001.7 0/1", ""},
		{"it has not moved", seen, seen, ""},
		{"it goes on", seen, "3.00000002.7 1/501 41", ""},
		{"a snapshot of the volume is put back", seen, "3.00000002.7 1/4FF 40", "missing"},
		{"a backup that was written to since", seen, "3.00000002.7 2/0 39", "missing"},
		{"a standby that lacks nothing is promoted", seen, "3.00000003.7 1/500 40", ""},
		{"a standby that lacks the last commits is promoted", seen, "3.00000003.7 1/4F0 40", "missing"},
		{"one that lacks a beat, and was written to", seen, "3.00000003.7 1/600 39", "missing"},
		{"an old primary is alive, its log goes on", seen, "3.00000001.7 9/0 90", "old primary"},
		{"a backup of before an announced restore", seen, "2.00000005.7 9/0 90", "announced"},
		{"another cluster, of which nobody spoke", seen, "3.00000002.8 9/0 90", "another database"},
		{"another cluster, into which a restore was announced", seen, "4.00000001.8 0/1 1", ""},
		{"a restore was announced to an older state", seen, "4.00000001.7 0/1 1", ""},
	} {
		err := stands(t, row.noted).refuses(stands(t, row.now))
		switch {
		case row.refused == "" && err != nil:
			t.Errorf("%s: %v", row.what, err)
		case row.refused != "" && (!errors.Is(err, ErrBehind) || !strings.Contains(err.Error(), row.refused)):
			t.Errorf("%s: got %v, want ErrBehind, %q", row.what, err, row.refused)
		}
	}
}

func TestANoteIsOnlyEverRaised(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ a, b, want string }{
		{"", "", ""},
		{"", "0.00000001.7 0/1", "0.00000001.7 0/1"},
		{"0.00000001.7 0/1", "", "0.00000001.7 0/1"},
		{"0.00000001.7 0/5 1", "0.00000001.7 0/3 2", "0.00000001.7 0/5 2"}, // each of two replicas has seen more of something
		{"0.00000002.7 0/5 1", "0.00000001.7 9/0 9", "0.00000002.7 0/5 1"}, // an old primary raises nothing
		{"0.00000001.7 9/0 9", "0.00000002.7 0/5 1", "0.00000002.7 0/5 1"},
		{"1.00000001.8 0/1 1", "0.00000009.7 9/0 9", "1.00000001.8 0/1 1"},
		{"0.00000009.7 9/0 9", "1.00000001.8 0/1 1", "1.00000001.8 0/1 1"},
		{"0.00000001.7 0/1 1", "0.00000001.8 9/0 9", "0.00000001.7 0/1 1"},
	} {
		if got, want := later(stands(t, row.a), stands(t, row.b)), stands(t, row.want); got != want {
			t.Errorf("%q and %q: %s, want %s", row.a, row.b, got, want)
		}
	}
}

func TestANoteIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	s := stands(t, "3.0000000B.7412345678901234567 1A/2B3C 40")
	text, err := s.note(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"v":1,"epoch":3,"system":"7412345678901234567","timeline":11,"lsn":"1A/2B3C","beat":40,"at":"2026-01-02T03:04:05Z"}`
	if text != want {
		t.Errorf("got %s, want %s", text, want)
	}
	if got, err := parseNote(text); got != s || err != nil {
		t.Errorf("read as %s, %v", got, err)
	}
	for _, bad := range []string{"x", "{}", `{"v":2,"system":"7","lsn":"0/1"}`, `{"v":1,"system":"","lsn":"0/1"}`, `{"v":1,"system":"7","lsn":"01"}`, `{"v":1,"system":"7","lsn":"0/1FFFFFFFF"}`} {
		if got, err := parseNote(bad); err == nil {
			t.Errorf("%s was read as %s", bad, got)
		}
	}
}
