package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// buildAll builds what the scenarios need of folio.
func (b *bench) buildAll(ctx context.Context, scenarios []scenario) error {
	b.builds = map[build]string{asItIs: b.flags.Folio}
	if b.flags.Folio == "" {
		b.builds[asItIs] = filepath.Join(b.dir, "folio")
		if err := goBuild(ctx, b.builds[asItIs]); err != nil {
			return err
		}
	}
	needed := slices.ContainsFunc(scenarios, func(s scenario) bool {
		return slices.ContainsFunc(s.sides, func(s side) bool { return s.entrant == "unfenced" })
	})
	if !needed {
		return nil
	}
	overlay, err := unfencedOverlay(ctx, b.dir)
	if err != nil {
		return err
	}
	b.builds[unfenced] = filepath.Join(b.dir, "folio-unfenced")
	return goBuild(ctx, b.builds[unfenced], "-overlay", overlay)
}

func goBuild(ctx context.Context, to string, more ...string) error {
	args := append([]string{"build", "-trimpath", "-o", to}, append(more, "folio/cmd/folio")...)
	if out, err := exec.CommandContext(ctx, goCommand(), args...).CombinedOutput(); err != nil {
		return fmt.Errorf("build folio: %w\n%s", err, out)
	}
	return nil
}

// goCommand is the go that make was told to use.
func goCommand() string { return cmp.Or(os.Getenv("GO"), "go") }

// fence is what the statement of a batch reads of its holder, as invoices/batch.go has
// it, and noFence what it would be if nobody asked whether the holder may write.
const (
	fence = "`\n" +
		"\t\twith turn as materialized (select pg_advisory_xact_lock_shared(` + holderTurn + `))\n" +
		"\t\tselect h.holder from turn cross join holders h\n" +
		"\t\twhere h.holder = $1 and h.fenced_at is null and h.era = ` + presentEra + `\n" +
		"\t\tfor share of h`"
	noFence = "`select cast($1 as text) as holder`"
)

// unfencedOverlay writes the overlay (see go help build) by which folio is built without
// its fence. Nothing of it is ever in the project's own program.
func unfencedOverlay(ctx context.Context, dir string) (string, error) {
	out, err := exec.CommandContext(ctx, goCommand(), "list", "-f", "{{.Dir}}", "folio/invoices").Output()
	if err != nil {
		return "", fmt.Errorf("find the code of invoices: %w", err)
	}
	path := filepath.Join(strings.TrimSpace(string(out)), "batch.go")
	code, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	without, err := withoutFence(string(code))
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	to, overlay := filepath.Join(dir, "batch_unfenced.go"), filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{"Replace": {path: to}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(to, []byte(without), 0o600); err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, text, 0o600)
}

func withoutFence(code string) (string, error) {
	if n := strings.Count(code, fence); n != 1 {
		return "", fmt.Errorf("the fence stands there %d times, want once: the benchmark has to follow the statement", n)
	}
	return strings.Replace(code, fence, noFence, 1), nil
}
