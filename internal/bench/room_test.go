package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestADatabaseIsNotFilledWhereThereIsNoRoomForIt(t *testing.T) {
	for _, c := range []struct {
		rows   int
		free   float64
		enough bool
	}{{10_000_000, 15, true}, {10_000_000, 14.9, false}, {1_000_000, 5.1, true}, {1_000_000, 5, false}, {0, 4, true}, {0, 0, false}} {
		if err := enough(c.rows, c.free, "dir"); (err == nil) != c.enough {
			t.Errorf("%d rows, %v GB free: %v", c.rows, c.free, err)
		}
	}
	said := fmt.Sprint(enough(10_000_000, 7.26, "/some/where"))
	for _, want := range []string{"10,000,000 invoices", "15.0 GB", "7.3 GB", "/some/where", "--grown-rows", "TMPDIR", "--keep"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q: %s", want, said)
		}
	}
}

func TestTheFreeRoomOfAFolderIsTold(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells it")
	}
	dir := t.TempDir()
	if gb := room(dir); gb == nil || *gb < 0 || *gb > 1e6 {
		t.Errorf("%v GB are free", gb)
	}
	if room(filepath.Join(dir, "not there")) != nil {
		t.Error("a folder that is not there has room")
	}
}

// cloned are the databases of contenders that a stack has.
func cloned(t *testing.T, s *stack) string {
	t.Helper()
	names, err := s.server.Databases(t.Context(), "bench_")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func TestContendersThatLeftTheirDatabasesFindNewOnes(t *testing.T) {
	s, err := startStack(t.Context(), filepath.Join(t.TempDir(), "stack"), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.remove(); err != nil {
			t.Error(err)
		}
	}()
	entrants, err := named("sequence", "copy", "block")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, e := range entrants {
			if err := s.database(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		if got := cloned(t, s); got != "bench_copy bench_empty bench_sequence" {
			t.Errorf("the contenders have %s", got)
		}
		if err := s.dropCloned(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := cloned(t, s); got != "bench_empty" {
			t.Errorf("what was dropped left %s", got)
		}
	}
	// One that could not be made is not taken for made.
	if err := s.server.Execute(t.Context(), "postgres", "create database bench_sequence"); err != nil {
		t.Fatal(err)
	}
	if err := s.database(t.Context(), entrants[0]); err == nil {
		t.Error("a database was made that was there")
	}
	if err := s.database(t.Context(), entrants[0]); err != nil {
		t.Errorf("behind one that failed: %v", err)
	}
}
