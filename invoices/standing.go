package invoices

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// lsn is a place in the write-ahead log of Postgres.
type lsn uint64

// parseLSN reads what Postgres writes, such as 0/1A2B3C.
func parseLSN(text string) (lsn, error) {
	high, low, ok := strings.Cut(text, "/")
	h, errHigh := strconv.ParseUint(high, 16, 32)
	l, errLow := strconv.ParseUint(low, 16, 32)
	if !ok || errHigh != nil || errLow != nil {
		return 0, fmt.Errorf("%q is no place in a log, want such as 0/1A2B3C", text)
	}
	return lsn(h<<32 | l), nil
}

func (l lsn) String() string { return fmt.Sprintf("%X/%X", uint64(l)>>32, uint32(l)) }

// standing is how far a Postgres has come: its era, a place in its log, and how
// often it was witnessed (restores.beat), which a server that went back cannot
// make up for by writing other things. The zero standing is that of no server.
type standing struct {
	era
	lsn  lsn
	beat int64
}

func (s standing) String() string { return fmt.Sprintf("%s at %s, beat %d", s.era, s.lsn, s.beat) }

// refuses says why a Postgres that stands at now must not be written to when
// noted was seen before: acknowledged rows are, or may be, missing from it. nil:
// it may be. An epoch above the noted one means that an operator has spoken.
func (noted standing) refuses(now standing) error {
	why := ""
	switch {
	case noted == standing{} || now.epoch > noted.epoch:
		return nil
	case now.epoch < noted.epoch:
		why = "it knows nothing of a restore that was announced"
	case now.system != noted.system:
		why = "it is another database"
	case now.timeline < noted.timeline:
		why = "it is of a timeline that was left: an old primary, or an older backup"
	case now.lsn < noted.lsn || now.beat < noted.beat:
		why = "what was committed last is missing from it"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s; it stands at %s, %s was seen", ErrBehind, why, now, noted)
}

// later returns what is to be noted when both a and b were seen. Of two systems in
// one epoch it is a, which was there first.
func later(a, b standing) standing {
	if a == (standing{}) {
		return b
	}
	order, ordered := a.compare(b.era)
	switch {
	case b == standing{} || !ordered || order > 0:
		return a
	case order < 0:
		return b
	}
	a.lsn, a.beat = max(a.lsn, b.lsn), max(a.beat, b.beat)
	return a
}

// noteFormat is the version of the text below. What has another one is not read,
// and not overwritten.
const noteFormat = 1

// noteText is a standing as it is kept outside of Postgres, for people too.
type noteText struct {
	Format   int       `json:"v"`
	Epoch    uint64    `json:"epoch"`
	System   string    `json:"system"`
	Timeline uint64    `json:"timeline"`
	LSN      string    `json:"lsn"`
	Beat     int64     `json:"beat"`
	At       time.Time `json:"at"` // for people; nothing decides by it
}

// note writes s as text.
func (s standing) note(at time.Time) (string, error) {
	text, err := json.Marshal(noteText{
		Format: noteFormat, Epoch: s.epoch, System: strconv.FormatUint(s.system, 10), Timeline: s.timeline,
		LSN: s.lsn.String(), Beat: s.beat, At: at.UTC().Truncate(time.Second),
	})
	return string(text), err
}

// parseNote reads what note wrote; "" is the zero standing.
func parseNote(text string) (standing, error) {
	if text == "" {
		return standing{}, nil
	}
	var t noteText
	err := json.Unmarshal([]byte(text), &t)
	if err == nil && t.Format != noteFormat {
		err = fmt.Errorf("format %d, this program reads %d", t.Format, noteFormat)
	}
	s := standing{era: era{epoch: t.Epoch, timeline: t.Timeline}, beat: t.Beat}
	var errSystem, errLSN error
	s.system, errSystem = strconv.ParseUint(t.System, 10, 64)
	s.lsn, errLSN = parseLSN(t.LSN)
	if err = cmp.Or(err, errSystem, errLSN); err != nil {
		return standing{}, fmt.Errorf("the note of how far Postgres has come cannot be read: %w: %s", err, text)
	}
	return s, nil
}

// selectStanding is how far the server has come, as text for parseStanding. What
// it says of the log may not be on its disk yet. It fails on a standby.
const selectStanding = `
	select concat_ws(' ', current_era(), pg_current_wal_insert_lsn(), beat, resumed_epoch) from restores`

// parseStanding reads what selectStanding says: resumed tells whether all that the
// last announced restore has lost is accounted for.
func parseStanding(text string) (s standing, resumed bool, err error) {
	parts := strings.Fields(text)
	if len(parts) != 4 {
		return s, false, fmt.Errorf("%q is no standing of Postgres", text)
	}
	var errs [4]error
	var epoch uint64
	s.era, errs[0] = parseEra(parts[0])
	s.lsn, errs[1] = parseLSN(parts[1])
	s.beat, errs[2] = strconv.ParseInt(parts[2], 10, 64)
	epoch, errs[3] = strconv.ParseUint(parts[3], 10, 64)
	return s, epoch == s.epoch, cmp.Or(errs[0], errs[1], errs[2], errs[3])
}
