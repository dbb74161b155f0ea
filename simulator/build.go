package simulator

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"faultzone/authoritative"
	"faultzone/resolver"
	"faultzone/scenarios"
	"faultzone/simulator/network"
	"faultzone/simulator/stub"
)

// defaultLatency is the one-way time between two nodes of which no link says anything else.
const defaultLatency = 300 * time.Microsecond

// build makes the network and everything on it.
func (w *World) build() error {
	plan := &w.scenario.World
	if err := addInternet(w.scenario); err != nil {
		return err
	}
	links := make([]network.Link, len(plan.Links))
	for i, l := range plan.Links {
		links[i] = network.Link(l)
	}
	w.net = network.New(network.Config{Clock: w.driver, Links: links, Latency: defaultLatency, Observe: w.leg})
	var err error
	if w.zones, err = newZoneBook(plan, w.seed); err != nil {
		return err
	}
	for _, k := range plan.Keys {
		w.addKey(k)
	}
	for i := range plan.Servers {
		if err := w.addServer(&plan.Servers[i]); err != nil {
			return err
		}
	}
	for i := range plan.Resolvers {
		if err := w.addResolver(&plan.Resolvers[i]); err != nil {
			return err
		}
	}
	for i := range plan.Clients {
		if err := w.addClient(&plan.Clients[i]); err != nil {
			return fmt.Errorf("client %s: %w", plan.Clients[i].Name, err)
		}
	}
	for i := range plan.Web {
		if err := w.addWeb(&plan.Web[i]); err != nil {
			return fmt.Errorf("web host %s: %w", plan.Web[i].Name, err)
		}
	}
	if err := w.addUpstream(); err != nil {
		return err
	}
	w.vantage = w.net.SocketFrom(stream(w.seed, "vantage"), plan.Vantage...)
	return nil
}

// addNode puts a host on the network; with listen its program listens at all its addresses.
func (w *World) addNode(name string, addresses []netip.Addr, listen ...netip.Addr) (*node, error) {
	host, err := w.net.AddNode(name, addresses...)
	if err != nil {
		return nil, err
	}
	n := &node{name: name, host: host, socket: host.Socket(stream(w.seed, "ports/"+name))}
	if len(listen) > 0 {
		if n.service, err = host.Listen(listen...); err != nil {
			return nil, err
		}
	}
	w.nodes[name] = n
	w.order = append(w.order, n)
	return n, nil
}

func (w *World) addKey(k scenarios.Key) {
	if len(k.Secret) == 0 {
		k.Secret = secret(w.seed, "tsig/"+k.Name)
		if k.Algorithm == dns.HmacSHA384 || k.Algorithm == dns.HmacSHA512 {
			k.Secret = append(k.Secret, secret(w.seed, "tsig/more/"+k.Name)...)
		}
	}
	w.keys[k.Name] = k
}

// TSIGKeys are the world's TSIG keys with their secrets, in the order of the scenario.
func (w *World) TSIGKeys() []scenarios.Key {
	var list []scenarios.Key
	for _, k := range w.scenario.World.Keys {
		list = append(list, w.keys[k.Name])
	}
	return list
}

func (w *World) addServer(s *scenarios.Server) error {
	n, err := w.addNode(s.Name, s.Addresses, s.Addresses...)
	if err != nil {
		return err
	}
	config := authoritative.Config{Name: s.Name, Clock: w.driver, Exchanger: n.socket,
		Rand: stream(w.seed, "authoritative/"+s.Name),
		Report: func(e authoritative.Event) {
			text := e.Text
			if e.Peer.IsValid() {
				text = e.Peer.String() + ": " + text
			}
			w.note(Entry{Kind: KindAuthoritative, Node: s.Name, What: e.Kind, Zone: e.Zone, View: e.View, Serial: e.Serial, Text: text})
		}}
	config.NSID = []byte(s.NSID)
	config.Chaos = authoritative.Chaos{Version: s.Version, Hostname: s.Hostname, ID: s.Hostname}
	if s.Cookies {
		config.Cookies.Secrets = [][]byte{secret(w.seed, "cookies/"+s.Name)[:16]}
	}
	for _, k := range w.TSIGKeys() {
		config.Keys = append(config.Keys, authoritative.TSIGKey{Name: k.Name, Algorithm: k.Algorithm, Secret: k.Secret})
	}
	for i := range s.Views {
		v, err := w.view(&s.Views[i])
		if err != nil {
			return fmt.Errorf("server %s, view %s: %w", s.Name, s.Views[i].Name, err)
		}
		config.Views = append(config.Views, v)
	}
	n.server, err = authoritative.New(config)
	return err
}

func (w *World) view(s *scenarios.View) (authoritative.View, error) {
	v := authoritative.View{Name: s.Name}
	var err error
	if s.Match != nil { // an empty list is nobody, no list is everybody
		if v.Match, err = authoritative.ParseMatch(s.Match); err != nil {
			return v, err
		}
	}
	if s.Destinations != nil {
		if v.Destinations, err = authoritative.ParseMatch(s.Destinations); err != nil {
			return v, fmt.Errorf("destinations: %w", err)
		}
	}
	for i := range s.Zones {
		z, err := w.zone(&s.Zones[i])
		if err != nil {
			return v, err
		}
		v.Zones = append(v.Zones, z)
	}
	return v, nil
}

func (w *World) zone(s *scenarios.Zone) (authoritative.Zone, error) {
	z := authoritative.Zone{Origin: s.Origin, Primaries: peers(s.Primaries), Notify: peers(s.Notify)}
	var err error
	if len(s.Transfer) > 0 {
		if z.Transfer, err = authoritative.ParseMatch(s.Transfer); err != nil {
			return z, fmt.Errorf("%s, transfer: %w", s.Origin, err)
		}
	}
	if len(s.Update) > 0 {
		if z.AllowUpdate, err = authoritative.ParseMatch(s.Update); err != nil {
			return z, fmt.Errorf("%s, update: %w", s.Origin, err)
		}
	}
	if len(s.Primaries) > 0 {
		return z, nil
	}
	if z.Data, err = w.zones.load(s); err != nil {
		return z, err
	}
	if s.DNSSEC == nil {
		return z, nil
	}
	params, err := w.zones.signing(s.Origin)
	if err != nil {
		return z, err
	}
	c := w.calendar()
	z.Signing = &authoritative.Signing{Params: *params, Epoch: c.Epoch, Validity: c.Validity, Refresh: c.Refresh,
		InceptionOffset: c.InceptionOffset, ParentDS: w.parentDS}
	return z, nil
}

func peers(list []scenarios.Primary) []authoritative.Primary {
	var out []authoritative.Primary
	for _, p := range list {
		out = append(out, authoritative.Primary{Addr: p.Address, Key: p.Key})
	}
	return out
}

func (w *World) addResolver(s *scenarios.Resolver) error {
	n, err := w.addNode(s.Name, s.Addresses, s.Addresses...)
	if err != nil {
		return err
	}
	config := resolver.Config{Name: s.Name, Clock: w.driver, Exchanger: n.socket, Allow: s.Allow,
		MinTTL: s.MinTTL, MaxTTL: s.MaxTTL, MaxNegativeTTL: s.MaxNegativeTTL, IPv6: s.IPv6,
		ServeStale: resolver.ServeStale{On: s.ServeStale, Maximum: s.MaxStale}, Prefetch: resolver.Prefetch{On: s.Prefetch},
		AggressiveNSEC: s.AggressiveNSEC, NotSpecial: w.served(),
		Rand: stream(w.seed, "resolver/"+s.Name),
		Report: func(e resolver.Event) {
			text := e.Text
			if e.Server.IsValid() {
				text = e.Server.String() + ": " + text
			}
			w.remark(Entry{Kind: KindResolver, Node: s.Name, What: e.Kind, Query: e.Query, EDE: e.EDE, Text: text})
		}}
	if config.Hints, err = w.zones.hints(); err != nil {
		return fmt.Errorf("resolver %s: %w", s.Name, err)
	}
	if s.Validate {
		config.TrustAnchors, _ = w.Anchors()
	}
	if err := setPolicies(&config, s); err != nil {
		return err
	}
	if s.ClientCookies {
		key := resolver.CookieSecret(secret(w.seed, "cookies/"+s.Name)[:16])
		config.CookieSecret = &key
	}
	for _, zone := range s.TrustAnchors {
		ds, err := w.zones.dsOf(zone, 0)
		if err != nil {
			return fmt.Errorf("resolver %s, trust anchor %s: %w", s.Name, zone, err)
		}
		config.TrustAnchors = append(config.TrustAnchors, ds...)
	}
	config.DomainInsecure = s.DomainInsecure
	config.QNAMEMinimisation = minimisation(s.QNAMEMinimisation)
	for _, r := range s.Forward {
		config.Forward = append(config.Forward, resolver.Forward{Zone: r.Zone, Servers: r.Servers, First: r.First})
	}
	w.forwardOut(&config, s)
	for _, r := range s.Stub {
		config.Stub = append(config.Stub, resolver.Stub(r))
	}
	n.traces = &w.traces
	n.newResolver = func(known []resolver.Anchor) (*resolver.Resolver, error) {
		own := config
		own.AnchorUpdates.Known = known
		return resolver.New(own)
	}
	if config.AnchorUpdates.On {
		n.anchored = w.driver.Go
	}
	n.unstarted, err = n.newResolver(nil)
	return err
}

// minimisation is what a scenario's word for it means; the loader knows no others.
func minimisation(word string) resolver.Minimisation {
	for _, m := range []resolver.Minimisation{resolver.MinimiseRelaxed, resolver.MinimiseStrict} {
		if word == m.String() {
			return m
		}
	}
	return resolver.MinimiseOff
}

// served are the zones that some server has, and no resolver answers by itself.
func (w *World) served() (origins []string) {
	for _, s := range w.scenario.World.Servers {
		for _, v := range s.Views {
			for _, z := range v.Zones {
				origins = append(origins, z.Origin)
			}
		}
	}
	return origins
}

// localStub is where a client's own stub listens, as systemd-resolved's does.
func localStub() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 53}) }

func (w *World) addClient(s *scenarios.Client) error {
	var listen []netip.Addr
	if len(s.LocalStub) > 0 {
		listen = append(listen, localStub())
	}
	n, err := w.addNode(s.Name, s.Addresses, listen...)
	if err != nil {
		return err
	}
	servers := s.Nameservers
	if len(s.LocalStub) > 0 {
		if len(servers) == 0 {
			servers = listen
		}
		n.local, err = stub.NewLocal(stub.LocalConfig{Servers: s.LocalStub, Clock: w.driver, Exchanger: n.socket, Rand: stream(w.seed, "local/"+s.Name)})
		if err != nil {
			return err
		}
	}
	config := stub.Config{Nameservers: servers, Search: s.Search, Options: s.Options, Clock: w.driver, Exchanger: n.socket,
		Rand: stream(w.seed, "stub/"+s.Name)}
	for _, h := range s.Hosts {
		config.Hosts = append(config.Hosts, stub.Host(h))
	}
	n.client, err = stub.New(config)
	return err
}
