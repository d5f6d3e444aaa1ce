package main

import (
	"context"
	"io"
	"testing"
	"time"
)

// What a wrapper has started ends with the wrapper: else it keeps the output open, and is
// left behind.
func TestACommandEndsWithAllThatItHasStarted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cmd := command(ctx, "sh", "-c", "sleep 600 & echo begun; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("begun"))); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, out) // until nobody holds it open any more
		ended <- err
	}()
	cancel()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Error("what the command started goes on")
	}
	if err := cmd.Wait(); err == nil {
		t.Error("a command that was ended has ended well")
	}
}
