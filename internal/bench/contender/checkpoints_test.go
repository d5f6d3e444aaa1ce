package contender

import (
	"strings"
	"testing"
	"time"

	"folio/invoices"
)

func TestCheckpointsAndTheLogAreCounted(t *testing.T) {
	ctx := t.Context()
	at, before, err := server.Position(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Execute(ctx, "postgres", `create table written as select generate_series(1, 1000) as n`, `checkpoint`); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) { // it tells of one a little after its end
		now, after, err := server.Position(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if d := after.Minus(before); d.Begun > 0 && d.Buffers > 0 && now > at+1000 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d bytes of WAL, %+v; before it %d, %+v", now, after, at, before)
		}
	}
}

// As much as the server keeps by its default of 80 MB, but the segment that is in use.
func TestRecycledSegmentsAreThereForWhatIsWrittenNext(t *testing.T) {
	if err := server.Recycle(t.Context(), 8); err != nil {
		t.Fatal(err)
	}
	if n, err := server.Ahead(t.Context()); err != nil || n < 3 {
		t.Errorf("%d segments, %v", n, err)
	}
}

func TestSettingsThatAreNotPostgresDefaultsAreTold(t *testing.T) {
	text, err := server.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"checkpoint_timeout=", "fsync=off", "shared_buffers=64MB"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not told: %s", want, text)
		}
	}
	for _, not := range []string{"port=", "/", "listen"} {
		if strings.Contains(text, not) {
			t.Errorf("%s is told: %s", not, text)
		}
	}
}

func TestAContenderLooksUpKeysOnAsManyConnectionsAsFolio(t *testing.T) {
	folios, contenders := invoices.DBConfig{}, Config{}.rooms()
	folios.Batches, contenders.Batches = 1, 1
	if a, b := invoices.Connections(folios), invoices.Connections(contenders); a != b {
		t.Errorf("folio has %d connections besides those of batches, a contender %d", a, b)
	}
}
