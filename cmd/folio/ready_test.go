package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// stage is what surrounds one replica that looks whether it is alone.
type stage struct {
	*testing.T
	alone                  alone
	holder                 string
	etcdAway, postgresAway bool
	fenced                 map[string]bool
	abandoned              []string
}

var errAway = errors.New("away")

// staged plays on a stage, of whose stores one that is away does not answer at all.
func staged(t *testing.T, play func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{T: t, holder: "pod.1", fenced: map[string]bool{}}
		answer := func(ctx context.Context, away bool) error {
			if !away {
				return nil
			}
			<-ctx.Done()
			return errAway
		}
		s.alone = alone{
			holder: func() string { return s.holder },
			alive:  func(ctx context.Context) ([]string, error) { return nil, answer(ctx, s.etcdAway) },
			fenced: func(ctx context.Context, holder string) (bool, error) {
				return s.fenced[holder], answer(ctx, s.postgresAway)
			},
			abandon: func(holder string) { s.abandoned = append(s.abandoned, holder) },
			log:     slog.New(slog.DiscardHandler),
		}
		play(s)
	})
}

// is says whether it is alone after another look.
func (s *stage) is(alone bool, when string) {
	s.Helper()
	s.alone.look(s.Context())
	if why := s.alone.why(); (why != nil) != alone || alone && !strings.Contains(why.Error(), "alone: holder "+s.holder) {
		s.Errorf("%s: %v, want alone %t", when, why, alone)
	}
}

func TestAHolderThatIsFencedWhileEtcdAnswersIsGivenUp(t *testing.T) {
	staged(t, func(s *stage) {
		s.is(false, "at first")
		if len(s.abandoned) != 0 {
			s.Fatalf("given up with no reason: %v", s.abandoned)
		}
		s.fenced["pod.1"] = true
		s.is(false, "fenced, and etcd answers")
		if !slices.Contains(s.abandoned, "pod.1") {
			s.Fatal("the fenced holder is not given up")
		}
		s.holder, s.abandoned = "pod.2", nil
		s.etcdAway = true
		s.is(false, "another holder, and etcd is away")
		if len(s.abandoned) != 0 {
			s.Errorf("the next holder is given up too: %v", s.abandoned)
		}
	})
}

func TestOnlyWhoIsFencedWhileEtcdIsSilentIsAlone(t *testing.T) {
	staged(t, func(s *stage) {
		s.etcdAway = true
		s.is(false, "etcd is away")
		s.postgresAway = true
		s.is(false, "both are away")
		s.postgresAway, s.fenced["pod.1"] = false, true
		s.is(true, "fenced, and etcd is away")
		s.postgresAway = true
		s.is(true, "what was found stays while Postgres says nothing")
		if len(s.abandoned) != 0 {
			s.Errorf("given up while it cannot become another: %v", s.abandoned)
		}
		s.etcdAway = false
		s.is(false, "etcd answers, and Postgres does not")
		s.etcdAway, s.postgresAway = true, false
		s.is(true, "etcd is away again")
		s.holder = "pod.2"
		s.is(false, "another holder")
		s.holder = ""
		s.is(false, "no holder yet")
	})
}

func TestAHolderThatIsFencedAtTheEndIsNotGivenUp(t *testing.T) {
	s := &stage{holder: "pod.1"}
	ctx, cancel := context.WithCancel(t.Context())
	s.alone = alone{
		holder:  func() string { return s.holder },
		alive:   func(context.Context) ([]string, error) { return nil, nil },
		fenced:  func(context.Context, string) (bool, error) { cancel(); return true, nil },
		abandon: func(string) { t.Error("a holder that hands back fences itself, and is given up for it") },
	}
	s.alone.look(ctx)
}
