package main

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"

	"folio/invoices"
)

// logStart tells, in one line, what runs here, where its stores are and what it was
// told; listen and ops are where it is reached. No secret is in it: endpoints that have
// one are refused before. Nor is the holder, of which there is none before both stores
// have answered, and another after each loss: the line "holder registered" tells it, and
// its name begins with the pod's.
func (c *serveCmd) logStart(log *slog.Logger, listen, ops string) {
	var settings []any
	for _, s := range settingsOf(reflect.ValueOf(*c)) {
		settings = append(settings, slog.String(s.name, c.shown(s)))
	}
	log.Info("starting", "version", buildVersion(), "pod", c.PodName, "node", c.NodeName, "listen", listen, "ops_listen", ops,
		"etcd", strings.Join(c.EtcdEndpoints, ","), "postgres", invoices.Where(c.config()),
		slog.Group("settings", settings...))
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
