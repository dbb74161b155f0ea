package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"faultzone/simulator/enclosure"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "tell what this machine allows, and what to do where it does not",
		Description: "Everything is found out by trying. Nothing is changed.\n" +
			"Exit code 0: faultzone exec will work here. 3: it will not.",
		Flags:        []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print it as JSON", DisableDefaultText: true}},
		OnUsageError: onUsageError,
		Action:       doctorAction,
	}
}

// diagnosis is the JSON form of what the doctor found. Fields are added to it; one that changes its meaning raises
// SchemaVersion.
type diagnosis struct {
	SchemaVersion int                 `json:"schema_version"`
	Exec          bool                `json:"exec"` // faultzone exec will work
	Checks        []enclosure.Finding `json:"checks"`
	Settings      []string            `json:"settings"`
}

func doctorAction(c *cli.Context) error {
	if enclosure.Inside() {
		return enclosure.ExamineInside()
	}
	if err := noMore(c, 0); err != nil {
		return err
	}
	d := diagnosis{SchemaVersion: 1, Exec: true, Checks: enclosure.Examine([]string{os.Args[0], "doctor"}), Settings: append([]string{}, enclosure.Limits()...)}
	for _, f := range d.Checks {
		d.Exec = d.Exec && (f.OK || !f.Needed)
	}
	d.Checks = append(d.Checks, ownPort())
	for _, t := range []struct{ name, use, from string }{
		{"nsenter", "faultzone exec --attach", "Debian and Ubuntu: apt install util-linux."},
		{"pasta", "faultzone exec --internet", "Debian and Ubuntu: apt install passt."},
		{"dig", "asking by hand", "Debian and Ubuntu: apt install bind9-dnsutils."},
	} {
		d.Checks = append(d.Checks, installed(t.name, t.use, t.from))
	}
	if c.Bool("json") {
		enc := json.NewEncoder(c.App.Writer)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(d); err != nil {
			return err
		}
	} else {
		printDiagnosis(c.App.Writer, d)
	}
	if !d.Exec {
		return &exitError{code: exitEnvironment}
	}
	return nil
}

// installed looks for one that is of use.
func installed(name, use, from string) enclosure.Finding {
	path, err := exec.LookPath(name)
	if err != nil {
		return enclosure.Finding{Name: name, Detail: "not installed; it is for " + use, Advice: []string{from}}
	}
	return enclosure.Finding{Name: name, OK: true, Detail: path + ", for " + use}
}

// ownPort tries port 53 of this machine, which a world on --edge ports may be given.
func ownPort() enclosure.Finding {
	f := enclosure.Finding{Name: "port 53 here", OK: true, Detail: "127.0.0.1:53, for faultzone run --port 53"}
	l, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 53})
	if err == nil {
		l.Close()
		return f
	}
	f.OK, f.Detail = false, err.Error()
	switch {
	case errors.Is(err, syscall.EACCES):
		f.Advice = []string{"Ports below 1024 need a privilege here. Any other port will do for faultzone run, and exec needs none."}
	case errors.Is(err, syscall.EADDRINUSE):
		f.Advice = []string{"Another program has it. Any other port will do for faultzone run, and exec needs none."}
	}
	return f
}

func printDiagnosis(w io.Writer, d diagnosis) {
	names := make([]string, len(d.Checks))
	for i, f := range d.Checks {
		names[i] = f.Name
	}
	column := width("", names...)
	for _, f := range d.Checks {
		word := "ok"
		switch {
		case !f.OK && f.Needed:
			word = "NO"
		case !f.OK:
			word = "no"
		}
		fmt.Fprintf(w, "%-2s  %-*s  %s\n", word, column, f.Name, f.Detail)
		for _, line := range f.Advice {
			fmt.Fprintf(w, "    %-*s  → %s\n", column, "", line)
		}
	}
	if len(d.Settings) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(d.Settings, " "))
	}
	if d.Exec {
		fmt.Fprintf(w, "\nfaultzone exec will work here.\n")
	} else {
		fmt.Fprintf(w, "\nfaultzone exec will not work here. faultzone exec --edge ports, run, test and all else will.\n")
	}
}
