package main

import (
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAWorldInWhichAllIsKeptIsNoError(t *testing.T) {
	if err := run(t.Context(), "coarse", "restore-stops", "", 0); err != nil {
		t.Error(err)
	}
}

func TestABrokenPromiseIsAnError(t *testing.T) {
	err := run(t.Context(), "coarse", "hand-backs", "fence", 0)
	if err == nil || !strings.Contains(err.Error(), "breaks a promise") {
		t.Errorf("without the fence: %v", err)
	}
}

func TestNothingExploredIsAnError(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"an unknown family": run(t.Context(), "coarse", "no-such", "", 0),
		"an unknown size":   run(t.Context(), "vast", "", "", 0),
		"an unknown rule":   run(t.Context(), "coarse", "void", "gravity", 0),
		"an interrupt":      run(ended, "coarse", "void", "", 0),
	} {
		if err == nil {
			t.Errorf("%s is no error", name)
		}
	}
}
