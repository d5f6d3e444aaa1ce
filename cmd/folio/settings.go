package main

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"

	"folio/invoices"
)

// introduce returns what tells, in one line, what runs here, where its stores are and what
// it was told; listen and ops are where it is reached. No secret is in it: endpoints that
// have one are refused before.
func (c *serveCmd) introduce(listen, ops string) []any {
	var settings []any
	for _, s := range settingsOf(reflect.ValueOf(*c)) {
		settings = append(settings, slog.String(s.name, c.shown(s)))
	}
	return []any{
		"version", buildVersion(), "pod", c.PodName, "node", c.NodeName, "listen", listen, "ops_listen", ops,
		"etcd", strings.Join(c.EtcdEndpoints, ","), "postgres", invoices.Where(c.config()),
		slog.Group("settings", settings...),
	}
}

// logStart tells of the start twice: at once, when there is no holder yet and the stores may
// be away; and with the first holder, once. Later lives have the line "holder registered".
func (r *replica) logStart(listen, ops string) {
	is := r.cfg.introduce(listen, ops)
	r.log.Info("starting", is...)
	var first sync.Once
	r.allocator.Config.Registered = func(holder string) {
		first.Do(func() { r.log.Info("started", append([]any{"holder", holder}, is...)...) })
	}
}

// setting is one flag, by the name of its environment variable.
type setting struct {
	name  string
	value reflect.Value
}

// settingsOf finds the flags of a command, those that it shares with others too.
func settingsOf(command reflect.Value) (all []setting) {
	for i := range command.NumField() {
		field := command.Type().Field(i)
		switch name := field.Tag.Get("env"); {
		case field.Anonymous:
			all = append(all, settingsOf(command.Field(i))...)
		case name != "":
			all = append(all, setting{name, command.Field(i)})
		}
	}
	return all
}

// shown is the value of a setting as anybody may see it.
func (c *serveCmd) shown(s setting) string {
	switch {
	case s.value.IsZero():
		return fmt.Sprint(s.value) // "", 0s or false hides nothing
	case s.name == "FOLIO_DATABASE_URL":
		return invoices.Where(c.config())
	case s.name == "FOLIO_ETCD_ENDPOINTS":
		return strings.Join(c.EtcdEndpoints, ",")
	case strings.HasSuffix(s.name, "_PASSWORD"):
		return "(given)"
	}
	return fmt.Sprint(s.value)
}
