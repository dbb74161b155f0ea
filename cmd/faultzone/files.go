package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/miekg/dns"
	"github.com/urfave/cli/v2"

	"faultzone/simulator"
	"faultzone/simulator/edge"
)

// probe asks a door for a name that every server has an opinion on.
func probe(ctx context.Context, d edge.Door) error {
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 1}, Question: []dns.Question{{Name: "version.bind.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}}}
	_, _, err := new(dns.Client).ExchangeContext(ctx, m, d.Real.String())
	return err
}

// writeFiles writes what other programs need to find and to trust the world.
func writeFiles(c *cli.Context, w *simulator.World, doors []edge.Door) error {
	if path := c.String("anchor-file"); path != "" {
		if err := writeFile(path, func(f io.Writer) error { return writeAnchors(f, path, w) }); err != nil {
			return err
		}
	}
	if path := c.String("addr-file"); path != "" {
		return writeFile(path, func(f io.Writer) error { return writeAddresses(f, w, doors) })
	}
	return nil
}

// writeFile puts a file in its place whole: whoever waits for it never reads half of one.
func writeFile(path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	if _, err := f.Write(b.Bytes()); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// writeAddresses writes FAULTZONE_NODE=ADDRESS:PORT, a line for each node, and each TSIG key.
func writeAddresses(f io.Writer, w *simulator.World, doors []edge.Door) error {
	seen := map[string]bool{}
	for _, d := range doors {
		if seen[d.Node] {
			continue // a node with several doors is known by its first
		}
		seen[d.Node] = true
		fmt.Fprintf(f, "FAULTZONE_%s=%s\n", variable(d.Node), d.Real)
	}
	for _, k := range w.TSIGKeys() {
		name := strings.TrimSuffix(k.Name, ".")
		fmt.Fprintf(f, "FAULTZONE_TSIG_%s=%s:%s:%s\n", variable(name), strings.TrimSuffix(k.Algorithm, "."), name,
			base64.StdEncoding.EncodeToString(k.Secret))
	}
	return nil
}

// variable is a name as part of an environment variable: in capitals, other characters as underscores.
func variable(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
}

// writeAnchors writes the root's trust anchors: as records, which unbound, drill and kdig take, or as BIND's
// trust-anchors, which named and delv take.
func writeAnchors(f io.Writer, path string, w *simulator.World) error {
	ds, dnskey := w.Anchors()
	if len(ds) == 0 {
		return fmt.Errorf("the world's root is not signed, so there is no trust anchor to write")
	}
	if !strings.HasSuffix(path, ".conf") && !strings.HasSuffix(path, ".keys") {
		for _, rr := range append(ds, dnskey...) {
			fmt.Fprintln(f, rr)
		}
		return nil
	}
	fmt.Fprintln(f, "trust-anchors {")
	for _, rr := range ds {
		d := rr.(*dns.DS)
		fmt.Fprintf(f, "\t. static-ds %d %d %d \"%s\";\n", d.KeyTag, d.Algorithm, d.DigestType, strings.ToUpper(d.Digest))
	}
	fmt.Fprintln(f, "};")
	return nil
}
