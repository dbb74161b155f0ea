package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
	"faultzone/simulator/enclosure"
)

// Inside a world there is no service manager. For the three commands that people look at their name servers with there are
// stand-ins, which ask the world and tell what is so in it; of anything else they say that they do not know it.

// standIns are their names.
func standIns() []string { return []string{"systemctl", "journalctl", "resolvectl"} }

// standInSocket is where they ask.
func standInSocket() string { return filepath.Join(enclosure.Dir, "world.sock") }

// standInCall is what a stand-in was called with, and standInReply what it is to do.
type standInCall struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
}

type standInReply struct {
	Out  string `json:"out"`
	Err  string `json:"err"`
	Code int    `json:"code"`
}

// standInCommand is run by the scripts in the enclosure's bin.
func standInCommand() *cli.Command {
	return &cli.Command{Name: "stand-in", Hidden: true, Action: func(c *cli.Context) error {
		conn, err := net.Dial("unix", standInSocket())
		if err != nil {
			return environment(fmt.Errorf("ask the world: %w", err))
		}
		defer conn.Close()
		var reply standInReply
		call := standInCall{c.Args().First(), c.Args().Tail()}
		if err := errors.Join(json.NewEncoder(conn).Encode(call), json.NewDecoder(conn).Decode(&reply)); err != nil {
			return environment(fmt.Errorf("ask the world: %w", err))
		}
		fmt.Fprint(c.App.Writer, reply.Out)
		fmt.Fprint(c.App.ErrWriter, reply.Err)
		return ended(reply.Code)
	}}
}

// writeStandIns puts the stand-ins on the PATH.
func writeStandIns() error {
	bin := filepath.Join(enclosure.Dir, "bin")
	for _, name := range standIns() {
		script := fmt.Sprintf("#!/bin/sh\nexec %s/faultzone stand-in -- %s \"$@\"\n", bin, name)
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// standInServer answers them.
type standInServer struct {
	w        *execWorld
	log      *keeper
	listener net.Listener
	wg       sync.WaitGroup
}

func serveStandIns(w *execWorld) (*standInServer, error) {
	l, err := net.Listen("unix", standInSocket())
	if err != nil {
		return nil, err
	}
	s := &standInServer{w: w, log: keep(w), listener: l}
	s.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() {
				defer conn.Close()
				var call standInCall
				if json.NewDecoder(conn).Decode(&call) == nil {
					_ = json.NewEncoder(conn).Encode(s.answer(call)) // one who has gone misses nothing
				}
			})
		}
	})
	return s, nil
}

func (s *standInServer) close() {
	s.listener.Close()
	s.log.stop()
	s.wg.Wait()
}

func (s *standInServer) answer(c standInCall) standInReply {
	switch c.Name {
	case "systemctl":
		return s.systemctl(c.Args)
	case "journalctl":
		return s.journalctl(c.Args)
	case "resolvectl":
		return s.resolvectl(c.Args)
	}
	return standInReply{Err: fmt.Sprintf("there is no stand-in for %q\n", c.Name), Code: 1}
}

// unknown says what a stand-in does.
func unknown(name string, does string, args []string) standInReply {
	return standInReply{Err: fmt.Sprintf("%s: this is faultzone's stand-in, which knows %s, not %q\n", name, does, strings.Join(args, " ")), Code: 1}
}

// systemctl's exit codes: a unit that is not active, one that is not there.
const (
	unitInactive = 3
	unitMissing  = 4
)

// systemctl tells of a unit.
func (s *standInServer) systemctl(args []string) standInReply {
	var plain []string
	for _, a := range args {
		if a != "--no-pager" && a != "-l" && a != "--full" {
			plain = append(plain, a)
		}
	}
	if len(plain) != 2 || plain[0] != "status" && plain[0] != "is-active" {
		return unknown("systemctl", "status UNIT and is-active UNIT", args)
	}
	unit := strings.TrimSuffix(plain[1], ".service")
	node, ok := s.unitNode(unit)
	if !ok {
		if plain[0] == "is-active" {
			return standInReply{Out: "inactive\n", Code: unitInactive}
		}
		return standInReply{Err: fmt.Sprintf("Unit %s.service could not be found.\n", unit), Code: unitMissing}
	}
	world := s.w.host.World()
	state := stateOf(world, node)
	word, code := "active", 0
	if !runs(state) {
		word, code = "inactive", unitInactive
	}
	if plain[0] == "is-active" {
		return standInReply{Out: word + "\n", Code: code}
	}
	var b strings.Builder
	long, dot := "active (running)", "●"
	if code != 0 {
		long, dot = "inactive (dead)", "○"
	}
	fmt.Fprintf(&b, "%s %s.service - %s of the world %s\n", dot, unit, node, world.Scenario().Name)
	fmt.Fprintf(&b, "     Active: %s", long)
	if node == s.log.node {
		s.log.mu.Lock()
		since := s.log.since
		s.log.mu.Unlock()
		fmt.Fprintf(&b, " since %s; %s ago", since.UTC().Format("Mon 2006-01-02 15:04:05 MST"), worldTime(world.Now().Sub(since).Truncate(time.Second)))
	}
	b.WriteString("\n")
	for _, n := range world.Nodes() {
		if n.Name == node {
			fmt.Fprintf(&b, "       Host: %s\n", joined(n.Addresses, " "))
		}
	}
	if node == s.log.node {
		const last = 10
		if lines := s.log.from(time.Time{}); len(lines) > 0 {
			b.WriteString("\n" + s.render(lines[max(0, len(lines)-last):]))
		}
	}
	return standInReply{Out: b.String(), Code: code}
}

// unitNode is the node whose program a unit is: named is the organisation's name server, systemd-resolved the stub of
// this very host, where it has one.
func (s *standInServer) unitNode(unit string) (node string, ok bool) {
	switch unit {
	case "named", "bind9":
		return s.log.node, s.log.node != ""
	case "systemd-resolved":
		_, ok := s.w.host.World().LocalStub(s.w.guest.client)
		return s.w.guest.client, ok
	}
	return "", false
}

// journalctl gives the lines of named.
func (s *standInServer) journalctl(args []string) standInReply {
	const does = `-u named, --since "N minutes|hours|days ago", -n N and --no-pager`
	unit, since, last := "", time.Time{}, -1
	for i := 0; i < len(args); i++ {
		name, value, inline := strings.Cut(args[i], "=")
		if name == "--no-pager" {
			continue
		}
		if !inline {
			if i++; i == len(args) {
				return unknown("journalctl", does, args)
			}
			value = args[i]
		}
		switch name {
		case "-u", "--unit":
			unit = strings.TrimSuffix(value, ".service")
		case "-S", "--since":
			at, ok := moment(value, s.w.host.World().Now())
			if !ok {
				return unknown("journalctl", does, args)
			}
			since = at
		case "-n", "--lines":
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 {
				return unknown("journalctl", does, args)
			}
			last = n
		default:
			return unknown("journalctl", does, args)
		}
	}
	if unit != "named" && unit != "bind9" || s.log.node == "" {
		return unknown("journalctl", does, args)
	}
	lines := s.log.from(since)
	if last >= 0 {
		lines = lines[max(0, len(lines)-last):]
	}
	if len(lines) == 0 {
		return standInReply{Out: "-- No entries --\n"}
	}
	return standInReply{Out: s.render(lines)}
}

// render gives lines as the journal's short form.
func (s *standInServer) render(lines []keptLine) string {
	var b bytes.Buffer
	for _, line := range lines {
		fmt.Fprintf(&b, "%s %s %s: %s\n", line.at.UTC().Format("Jan 02 15:04:05"), s.log.node, line.who, line.text)
	}
	return b.String()
}

// moment reads "1 hour ago" and a plain date with a time.
func moment(text string, now time.Time) (time.Time, bool) {
	if at, err := time.Parse("2006-01-02 15:04:05", text); err == nil {
		return at, true
	}
	fields := strings.Fields(text)
	if len(fields) != 3 || fields[2] != "ago" {
		return time.Time{}, false
	}
	n, err := strconv.Atoi(fields[0])
	units := map[string]time.Duration{"second": time.Second, "sec": time.Second, "minute": time.Minute, "min": time.Minute, "hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour}
	unit, ok := units[strings.TrimSuffix(fields[1], "s")]
	if err != nil || n < 0 || n > 1e6 || !ok {
		return time.Time{}, false
	}
	return now.Add(-time.Duration(n) * unit), true
}

// resolvectl tells which servers this host asks: those of its local stub, or those of its resolv.conf as it is now.
func (s *standInServer) resolvectl(args []string) standInReply {
	if len(args) > 0 && (args[0] != "status" || len(args) > 1) {
		return unknown("resolvectl", "status", args)
	}
	world := s.w.host.World()
	mode, domains := "foreign", s.w.guest.search
	var servers []string
	if _, ok := world.LocalStub(s.w.guest.client); ok {
		if !runs(stateOf(world, s.w.guest.client)) {
			return standInReply{Err: "Failed to get global data: Unit systemd-resolved.service is not running.\n", Code: 1}
		}
		mode, servers = "stub", strings.Fields(joined(stubServers(world.Scenario(), s.w.guest.client), " "))
	} else {
		text, err := os.ReadFile("/etc/resolv.conf")
		if err != nil {
			return standInReply{Err: err.Error() + "\n", Code: 1}
		}
		servers, domains = readResolvConf(string(text))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Global\n  resolv.conf mode: %s\n", mode)
	if len(servers) > 0 {
		fmt.Fprintf(&b, "       DNS Servers: %s\n", strings.Join(servers, " "))
	}
	if len(domains) > 0 {
		fmt.Fprintf(&b, "        DNS Domain: %s\n", strings.Join(domains, " "))
	}
	return standInReply{Out: b.String()}
}

// readResolvConf reads the servers and the search list (resolv.conf(5)).
func readResolvConf(text string) (servers, search []string) {
	for line := range strings.Lines(text) {
		switch fields := strings.Fields(line); {
		case len(fields) < 2:
		case fields[0] == "nameserver":
			servers = append(servers, fields[1])
		case fields[0] == "search":
			search = fields[1:]
		}
	}
	return servers, search
}

// stubServers are the servers that a client's stub asks.
func stubServers(s *scenarios.Scenario, client string) []netip.Addr {
	for _, c := range s.World.Clients {
		if c.Name == client {
			return c.LocalStub
		}
	}
	return nil
}

func joined(list []netip.Addr, with string) string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.String()
	}
	return strings.Join(texts, with)
}
