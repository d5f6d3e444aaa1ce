package invoices

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

func TestTheFateOfAStatementByItsError(t *testing.T) {
	t.Parallel()
	answer := func(code string) error { return fmt.Errorf("send: %w", &pq.Error{Code: pqerror.Code(code)}) }
	for _, row := range []struct {
		name string
		err  error
		want fate
	}{
		{"deadlock", answer("40P01"), fate{retry: true}},
		{"serialization", answer("40001"), fate{retry: true}},
		{"completion unknown", answer("40003"), fate{retry: true, unknown: true}},
		{"cancelled", answer("57014"), fate{retry: true}},
		{"lock timeout", answer("55P03"), fate{retry: true}},
		{"no more connections", answer("53300"), fate{retry: true}},
		{"disk full", answer("53100"), fate{retry: true}},
		{"input or output error", answer("58030"), fate{retry: true}},
		{"a standby", answer("25006"), fate{retry: true}},
		{"a standby that is asked what only a primary knows", answer("55000"), fate{retry: true}},
		{"shut down", answer("57P01"), fate{retry: true, unknown: true}},
		{"crashed", answer("57P02"), fate{retry: true, unknown: true}},
		{"starting", answer("57P03"), fate{retry: true, unknown: true}},
		{"connection failure", answer("08006"), fate{retry: true, unknown: true}},
		{"bad connection", driver.ErrBadConn, fate{retry: true, unknown: true}},
		{"end of file", io.ErrUnexpectedEOF, fate{retry: true, unknown: true}},
		{"deadline", context.DeadlineExceeded, fate{retry: true, unknown: true}},
		{"anything else", errors.New("?"), fate{retry: true, unknown: true}},
		{"text of no encoding", answer("22021"), fate{data: true}},
		{"a check", answer("23514"), fate{data: true}},
		{"too long for an index", answer("54000"), fate{data: true}},
		{"a duplicate", answer("23505"), fate{data: true, exists: true}},
		{"no such table", answer("42P01"), fate{}},
		{"no permission", answer("42501"), fate{}},
		{"broken inside", answer("XX000"), fate{}},
	} {
		if got := judge(row.err); got != row.want {
			t.Errorf("%s: got %+v, want %+v", row.name, got, row.want)
		}
	}
}

func TestWrapSortsErrorsForCallers(t *testing.T) {
	t.Parallel()
	if err := wrap("x", nil); err != nil {
		t.Errorf("nil became %v", err)
	}
	for want, from := range map[error]error{
		ErrExists:      &pq.Error{Code: pqerror.UniqueViolation},
		ErrUnavailable: driver.ErrBadConn,
		ErrNotFound:    fmt.Errorf("deeper: %w", ErrNotFound),
	} {
		if err := wrap("x", from); !errors.Is(err, want) {
			t.Errorf("%v became %v, want %v", from, err, want)
		}
	}
	if err := wrap("x", &pq.Error{Code: "42P01"}); errors.Is(err, ErrUnavailable) {
		t.Errorf("a missing table is no passing trouble: %v", err)
	}
}
