package invoices

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/lib/pq"
)

// Where says where Postgres is and who asks it, for people: no password, nor anything
// else of the address that could be a secret.
func Where(cfg DBConfig) string {
	text, err := (&address{url: cfg.URL, file: cfg.URLFile}).read()
	if err != nil {
		return "unknown: " + err.Error()
	}
	to, err := terms{}.config(text)
	if err != nil {
		return "unknown: " + err.Error()
	}
	var hosts []string
	for _, h := range hostsOf(to) {
		hosts = append(hosts, net.JoinHostPort(h.name, strconv.Itoa(int(h.port))))
	}
	return fmt.Sprintf("%s@%s/%s, sslmode %s", to.User, strings.Join(hosts, ","), to.Database, cmp.Or(string(to.SSLMode), "require"))
}

type host struct {
	name string
	port uint16
}

// hostsOf are the servers that an address names.
func hostsOf(cfg pq.Config) []host {
	all := []host{{cfg.Host, cfg.Port}}
	for _, more := range cfg.Multi {
		all = append(all, host{more.Host, more.Port})
	}
	return all
}

// Hosts are the names and addresses of the servers that an address names; none of a
// socket.
func Hosts(cfg DBConfig) (all []string, err error) {
	text, err := (&address{url: cfg.URL, file: cfg.URLFile}).read()
	if err != nil {
		return nil, err
	}
	to, err := terms{}.config(text)
	if err != nil {
		return nil, err
	}
	if to.Hostaddr.IsValid() {
		return nil, nil // nothing is looked up
	}
	for _, h := range hostsOf(to) {
		if h.name != "" && h.name[0] != '/' && h.name[0] != '@' {
			all = append(all, h.name)
		}
	}
	return all, nil
}
