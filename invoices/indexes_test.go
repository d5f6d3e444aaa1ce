package invoices

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each index slows every invoice, so docs/decisions.md says of each what it is for.
func TestEveryIndexOfDocumentsIsAccountedFor(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "docs", "decisions.md"))
	if err != nil {
		t.Fatal(err)
	}
	db := migrated(t)
	names := strings.Fields(ask[string](t, db, `
		select string_agg(cast(cast(indexrelid as regclass) as text), ' ') from pg_index where indrelid = cast('documents' as regclass)`))
	if len(names) != 4 {
		t.Errorf("documents has %d indexes, %v; the page says four", len(names), names)
	}
	for _, name := range names {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/decisions.md does not say what %s is for", name)
		}
	}
	if options := ask[string](t, db, `select coalesce(array_to_string(reloptions, ' '), '') from pg_class where oid = cast('documents' as regclass)`); strings.Contains(options, "fillfactor") {
		t.Errorf("the page says that documents has the default fillfactor: %s", options)
	}
}
