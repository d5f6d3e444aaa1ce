package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// cluster speaks to the API server by kubectl.
type cluster struct {
	program   []string // kubectl, with arguments if need be
	namespace string
	log       io.Writer
}

func (c *cluster) say(format string, args ...any) {
	fmt.Fprintf(c.log, "%s  %s\n", time.Now().UTC().Format("15:04:05.0"), fmt.Sprintf(format, args...))
}

// command is kubectl in the namespace.
func (c *cluster) command(ctx context.Context, args ...string) *exec.Cmd {
	return command(ctx, c.program[0], slices.Concat(c.program[1:], []string{"-n", c.namespace}, args)...)
}

// kubectl returns what kubectl writes, also when it fails.
func (c *cluster) kubectl(ctx context.Context, args ...string) (string, error) {
	return c.feed(ctx, "", args...)
}

// feed is kubectl with something to read.
func (c *cluster) feed(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := c.command(ctx, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, lastLine(errs.String()))
	}
	return out.String(), nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// shell runs a command line that is special to a cluster, with arguments appended.
func (c *cluster) shell(ctx context.Context, line string, args ...string) error {
	cmd := command(ctx, "sh", append([]string{"-c", line + ` "$@"`, "sh"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", line, strings.Join(args, " "), err, lastLine(string(out)))
	}
	return nil
}

// pod is what the API server says of a pod, as far as is looked at.
type pod struct {
	Metadata struct {
		Name              string
		DeletionTimestamp *time.Time
	}
	Status struct {
		PodIP      string
		Conditions []struct{ Type, Status string }

		ContainerStatuses []struct {
			Name         string
			RestartCount int
			LastState    struct {
				Terminated *struct {
					ExitCode   int
					Reason     string
					FinishedAt time.Time
				}
			}
		}
	}
}

func (p pod) name() string { return p.Metadata.Name }

// ready reports whether the Service sends requests there.
func (p pod) ready() bool {
	return p.Metadata.DeletionTimestamp == nil && slices.ContainsFunc(p.Status.Conditions,
		func(c struct{ Type, Status string }) bool { return c.Type == "Ready" && c.Status == "True" })
}

func (p pod) restarts() (n int) {
	for _, c := range p.Status.ContainerStatuses {
		n += c.RestartCount
	}
	return n
}

// pods returns those of an app, such as etcd.
func (c *cluster) pods(ctx context.Context, app string) ([]pod, error) {
	text, err := c.kubectl(ctx, "get", "pods", "-l", "app.kubernetes.io/name="+app, "-o", "json")
	if err != nil {
		return nil, err
	}
	var list struct{ Items []pod }
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("pods of %s: %w", app, err)
	}
	return list.Items, nil
}

// podNow returns one pod of an app; false if there is none of that name.
func (c *cluster) podNow(ctx context.Context, app, name string) (pod, bool) {
	all, err := c.pods(ctx, app)
	i := slices.IndexFunc(all, func(p pod) bool { return p.name() == name })
	if err != nil || i < 0 {
		return pod{}, false
	}
	return all[i], true
}

// settled waits until an app has n pods, each ready and none on its way out.
func (c *cluster) settled(ctx context.Context, app string, n int) error {
	return c.until(ctx, 2*time.Minute, fmt.Sprintf("%s has %d pods, all ready", app, n), func() bool {
		all, err := c.pods(ctx, app)
		return err == nil && len(all) == n && !slices.ContainsFunc(all, func(p pod) bool { return !p.ready() })
	})
}

// until waits for what is looked for; an error if it does not come within a bound.
func (c *cluster) until(ctx context.Context, bound time.Duration, what string, seen func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, bound, fmt.Errorf("not seen within %s: %s", bound, what))
	defer cancel()
	for !seen() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(300 * time.Millisecond):
		}
	}
	return nil
}

// folio runs folio in a pod that is ready. A pod may vanish meanwhile: then in another.
func (c *cluster) folio(ctx context.Context, args ...string) (out string, err error) {
	for range 5 {
		all, listErr := c.pods(ctx, "folio")
		i := slices.IndexFunc(all, pod.ready)
		if listErr != nil || i < 0 {
			err = errors.Join(errors.New("no replica is ready"), listErr)
		} else if out, err = c.kubectl(ctx, append([]string{"exec", all[i].name(), "-c", "folio", "--", "/folio"}, args...)...); err == nil || out != "" {
			return out, err
		}
		if ctx.Err() != nil {
			break
		}
		time.Sleep(time.Second)
	}
	return out, err
}

// etcdctl runs etcdctl in the first member that answers.
func (c *cluster) etcdctl(ctx context.Context, args ...string) (out string, err error) {
	for member := range 3 {
		name := fmt.Sprintf("etcd-%d", member)
		if out, err = c.kubectl(ctx, append([]string{"exec", name, "--", "etcdctl", "--command-timeout=3s"}, args...)...); err == nil {
			return out, nil
		}
	}
	return "", err
}
