package etcdstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"folio/counter"
)

// format is the version of the text below. A reader refuses one that it does
// not know: it never overwrites what it cannot read.
const format = 1

// text is a ledger as it stands in etcd.
type text struct {
	Format int                 `json:"v"`
	First  int64               `json:"first,omitempty"` // 1 is not written
	Mark   int64               `json:"mark"`
	Serial int64               `json:"serial"`
	Held   []counter.Block     `json:"held"`
	Free   []counter.FreeRange `json:"free"`
}

// encode never gives null for an empty list: people read this.
func encode(l counter.Ledger) (string, error) {
	t := text{Format: format, First: l.First, Mark: l.Mark, Serial: l.Serial, Held: l.Held, Free: l.Free}
	if t.Held == nil {
		t.Held = []counter.Block{}
	}
	if t.Free == nil {
		t.Free = []counter.FreeRange{}
	}
	out, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("encode ledger: %w", err)
	}
	return string(out), nil
}

// ErrNewer: the ledger was written by a newer program, in a form that this one does
// not read. For this program it is damaged; for its repair it is not.
var ErrNewer = fmt.Errorf("%w: a newer folio wrote it", counter.ErrDamaged)

// decode reads a ledger. Whatever encode cannot have written wraps
// counter.ErrDamaged.
func decode(value []byte) (counter.Ledger, error) {
	l, err := decodeText(value)
	if err != nil && formatOf(value) > format {
		return counter.Ledger{}, fmt.Errorf("%w: format %d, this program reads %d", ErrNewer, formatOf(value), format)
	}
	return l, err
}

// formatOf returns the format that value says it has; 0 if it says none.
func formatOf(value []byte) int {
	var is struct {
		Format int `json:"v"`
	}
	if json.Unmarshal(value, &is) != nil {
		return 0
	}
	return is.Format
}

func decodeText(value []byte) (counter.Ledger, error) {
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.DisallowUnknownFields()
	var t text
	if err := dec.Decode(&t); err != nil {
		return counter.Ledger{}, fmt.Errorf("%w: %w", counter.ErrDamaged, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return counter.Ledger{}, fmt.Errorf("%w: text after the ledger", counter.ErrDamaged)
	}
	if t.Format != format {
		return counter.Ledger{}, fmt.Errorf("%w: format %d, this program reads %d", counter.ErrDamaged, t.Format, format)
	}
	l := counter.Ledger{First: t.First, Mark: t.Mark, Serial: t.Serial, Held: t.Held, Free: t.Free}
	return l, l.Check()
}
