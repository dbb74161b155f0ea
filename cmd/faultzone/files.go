package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/miekg/dns"
	"github.com/urfave/cli/v2"

	"faultzone/simulator"
	"faultzone/simulator/edge"
)

// writeFiles writes what other programs need to find and to trust the world. The addresses come last: whoever waits
// for them finds the anchors in place.
func writeFiles(c *cli.Context, w *simulator.World, doors []edge.Door) error {
	if path := c.String("anchor-file"); path != "" {
		if err := writeFile(path, func(f io.Writer) error { return writeAnchors(f, path, w) }); err != nil {
			return flagFileError("anchor-file", path, err)
		}
	}
	if path := c.String("addr-file"); path != "" {
		if err := writeFile(path, func(f io.Writer) error { return writeAddresses(f, w, doors) }); err != nil {
			return flagFileError("addr-file", path, err)
		}
	}
	return nil
}

// flagFileError says which flag's file could not be had, and why; the system's word for it is enough.
func flagFileError(flag, path string, err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return environment(fmt.Errorf("--%s %s: %w", flag, path, err))
}

// forgetAddresses takes away the address file of an earlier world, which nobody should take for this one's.
func forgetAddresses(path string) error {
	if path == "" || !replaceable(path) {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return flagFileError("addr-file", path, err)
	}
	return nil
}

// replaceable tells whether there is no file at path, or an ordinary one. A device, a pipe or a link is written to.
func replaceable(path string) bool {
	info, err := os.Lstat(path)
	return err != nil || info.Mode().IsRegular()
}

// writeFile puts a file in its place whole: whoever waits for it never reads half of one.
func writeFile(path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	if !replaceable(path) {
		return os.WriteFile(path, b.Bytes(), 0o666)
	}
	// Not os.CreateTemp, whose files nobody else may read: the anchors are for other users' programs too.
	part := fmt.Sprintf("%s.%d.part", path, os.Getpid())
	if err := os.WriteFile(part, b.Bytes(), 0o666); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		os.Remove(part)
		return err
	}
	return nil
}

// prepareJournal opens the journal's file: what cannot be written is told now, not after a day.
func prepareJournal(c *cli.Context) error {
	path := c.String("journal")
	if path == "" {
		return nil
	}
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		return flagFileError("journal", path, err)
	}
	return nil
}

// writeJournal fills the file that was opened when the world began.
func writeJournal(c *cli.Context, w *simulator.World) error {
	path := c.String("journal")
	if path == "" {
		return nil
	}
	var b bytes.Buffer
	err := w.Journal().Write(&b)
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o666)
	}
	if err != nil {
		return flagFileError("journal", path, err)
	}
	return nil
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
