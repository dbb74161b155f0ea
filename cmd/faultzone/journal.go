package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"faultzone/simulator"
	"faultzone/simulator/control"
)

func journalCommand() *cli.Command {
	return &cli.Command{
		Name:        "journal",
		Usage:       "print what happened in a running world",
		Description: "With --json each entry is a line of JSON.\n" + remoteExits,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "print what happens from now on, until the world ends or Ctrl-C", DisableDefaultText: true},
			&cli.UintFlag{Name: "from", Usage: "begin with the entry of this `NUMBER`", DefaultText: "the first; with --follow the next"},
			&cli.StringFlag{Name: "kind", Usage: "only entries of these `KINDS`, divided by commas: step, act, fault, leg, authoritative, resolver, web, upstream, world"},
			worldFlag(), jsonFlag(),
		},
		OnUsageError: onUsageError,
		Action:       journalAction,
	}
}

func journalAction(c *cli.Context) error {
	if err := noMore(c, 0); err != nil {
		return err
	}
	r, err := remoteWorld(c)
	if err != nil {
		return err
	}
	p := journalPrinter{c: c, remote: r}
	if err := p.begin(); err != nil {
		return err
	}
	if c.Bool("follow") {
		return p.follow()
	}
	for from := int(c.Uint("from")); ; {
		var page control.JournalPage
		query := url.Values{"from": {strconv.Itoa(from)}, "kind": {c.String("kind")}}
		if _, err := r.call(c.Context, "GET", "/v1/journal?"+query.Encode(), nil, &page); err != nil {
			return err
		}
		for _, e := range page.Entries {
			if err := p.print(e); err != nil {
				return err
			}
		}
		if page.Next >= page.Length {
			return nil
		}
		from = page.Next
	}
}

// journalPrinter prints entries, each with its time since the start.
type journalPrinter struct {
	c      *cli.Context
	remote *remote
	start  time.Time
}

// begin asks when the world began.
func (p *journalPrinter) begin() error {
	var k control.Clock
	_, err := p.remote.call(p.c.Context, "GET", "/v1/clock", nil, &k)
	p.start = k.Start
	return err
}

func (p *journalPrinter) print(e simulator.Numbered) error {
	if p.c.Bool("json") {
		enc := json.NewEncoder(p.c.App.Writer)
		enc.SetEscapeHTML(false)
		return enc.Encode(e)
	}
	const column = 10
	since := e.At.Sub(p.start)
	sign := "+"
	if since < 0 { // while the world came up
		sign, since = "-", -since
	}
	_, err := fmt.Fprintf(p.c.App.Writer, "%*s  %s\n", column, sign+worldTime(since), e.Entry)
	return err
}

// follow prints the stream of events until it ends.
func (p *journalPrinter) follow() error {
	const longest = 1 << 20
	query := url.Values{"kind": {p.c.String("kind")}}
	if p.c.IsSet("from") {
		query.Set("from", strconv.Itoa(int(p.c.Uint("from"))))
	}
	reply, err := p.remote.open(p.c.Context, "GET", "/v1/journal?"+query.Encode(), nil, http.Header{"Accept": {"text/event-stream"}})
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	lines := bufio.NewScanner(reply.Body)
	lines.Buffer(nil, longest)
	event := ""
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case field == "event":
			event = value
		case field == "data" && event == "reset":
			if err := p.begin(); err != nil {
				return err
			}
			fmt.Fprintln(p.c.App.ErrWriter, "everything is as at the start")
		case field == "data" && event == "entry":
			var e simulator.Numbered
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				return environment(fmt.Errorf("the world %s sends something else than an entry: %w", p.remote.ID, err))
			}
			if err := p.print(e); err != nil {
				return err
			}
		}
	}
	if p.c.Context.Err() != nil {
		return &exitError{code: exitInterrupted}
	}
	fmt.Fprintf(p.c.App.ErrWriter, "the world %s has ended\n", p.remote.ID)
	return nil
}
