package etcd

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
)

// memberEnv tells a re-executed binary that it is an etcd member, and which.
const memberEnv = "FOLIO_ETCD_MEMBER"

// member is what one member is told.
type member struct {
	Name    string
	Dir     string
	Client  string // its URL for clients
	Peer    string // its URL for the others
	Cluster string // all members: name=peer,…
	Token   string // gives the cluster its id; "": etcd's default
	Fast    bool
	TLS     *TLS
	Quota   int64
}

// token is that of the cluster, as etcd is told it.
func (m member) token() string { return cmp.Or(m.Token, embed.NewConfig().InitialClusterToken) }

// RunIfMember runs this process as an etcd member, and never returns, if it was
// started as one. It is called first thing in main and TestMain.
func RunIfMember() {
	text := os.Getenv(memberEnv)
	if text == "" {
		return
	}
	var m member
	err := json.Unmarshal([]byte(text), &m)
	if err == nil {
		err = m.run()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "etcd member: %v\n", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run serves until SIGTERM.
func (m member) run() error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	cfg, err := m.config()
	if err != nil {
		return err
	}
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return err
	}
	select {
	case <-stop:
		e.Close()
		return nil
	case err := <-e.Err():
		return err
	}
}

func (m member) config() (*embed.Config, error) {
	client, err := url.Parse(m.Client)
	if err != nil {
		return nil, err
	}
	peer, err := url.Parse(m.Peer)
	if err != nil {
		return nil, err
	}
	cfg := embed.NewConfig()
	cfg.Name, cfg.Dir, cfg.InitialCluster, cfg.InitialClusterToken = m.Name, m.Dir, m.Cluster, m.token()
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	cfg.LogLevel, cfg.QuotaBackendBytes = "error", m.Quota
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = embed.CompactorModePeriodic, "1h"
	if m.TLS != nil {
		cfg.ClientTLSInfo = transport.TLSInfo{CertFile: m.TLS.Cert, KeyFile: m.TLS.Key, TrustedCAFile: m.TLS.CA, ClientCertAuth: true}
	}
	if m.Fast {
		cfg.TickMs, cfg.ElectionMs, cfg.UnsafeNoFsync = 20, 200, true
	}
	return cfg, nil
}
