package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
	"faultzone/simulator/control"
)

func queryCommand() *cli.Command {
	return &cli.Command{
		Name:      "query",
		Usage:     "ask a question inside a running world",
		ArgsUsage: "NAME [TYPE] [+SWITCH…]",
		Description: "Switches are +dnssec, +cd, +tcp, +norec, +noad and +noedns, as dig has them.\n" +
			"Exit code 0: the question is over, whatever came of it.\n" + remoteExits,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "via", Usage: "ask the `NODE` or address", DefaultText: "the first resolver"},
			&cli.StringFlag{Name: "from", Usage: "ask as the `NODE` or address", DefaultText: "the world's vantage"},
			&cli.StringFlag{Name: "client", Usage: "have the stub resolver of this `CLIENT` ask instead"},
			&cli.BoolFlag{Name: "path", Usage: "print the question's way through the world", DisableDefaultText: true},
			worldFlag(), jsonFlag(),
		},
		OnUsageError: onUsageError,
		Action:       queryAction,
	}
}

func queryAction(c *cli.Context) error {
	q, err := questionOf(c)
	if err != nil {
		return err
	}
	return order(c, "POST", "/v1/queries", q, func(w io.Writer, a control.Answer) { printDig(w, a, c.Bool("path")) })
}

// questionOf reads the words of a question.
func questionOf(c *cli.Context) (control.Question, error) {
	q := control.Question{Via: c.String("via"), From: c.String("from"), Client: c.String("client")}
	switches := map[string]*bool{"+dnssec": &q.DNSSEC, "+cd": &q.CD, "+tcp": &q.TCP, "+norec": &q.NoRec, "+noad": &q.NoAD,
		"+noedns": &q.NoEDNS}
	var plain []string
	for _, word := range c.Args().Slice() {
		if !strings.HasPrefix(word, "+") {
			plain = append(plain, word)
			continue
		}
		on, ok := switches[word]
		if !ok {
			var names []string
			for name := range switches {
				names = append(names, name)
			}
			return q, usage("query: there is no switch %s%s", word, scenarios.DidYouMean(word, names))
		}
		*on = true
	}
	switch len(plain) {
	case 2:
		q.Type = plain[1]
		fallthrough
	case 1:
		q.Name = plain[0]
		return q, nil
	}
	return q, usage("query: want NAME and perhaps TYPE, got %s", plural(len(plain), "argument"))
}

// printDig prints what a question came to, much as dig does.
func printDig(w io.Writer, a control.Answer, path bool) {
	whom := "via " + a.Via
	if a.Client != "" {
		whom = "from the stub of " + a.Client
	}
	what := a.Rcode + ", flags " + strings.Join(a.Flags, " ")
	if a.Rcode == "" {
		what = "no answer: " + a.Error
		if a.Failure != "" {
			what = "no answer: " + a.Failure
		}
	}
	fmt.Fprintf(w, ";; %s %s: %s\n", a.Question, whom, what)
	for _, e := range a.EDE {
		text := ""
		if e.Text != "" {
			text = ": " + e.Text
		}
		fmt.Fprintf(w, ";; EDE %d (%s)%s\n", e.Code, e.Name, text)
	}
	for _, s := range []struct {
		name    string
		records []string
	}{{"answer", a.Answer}, {"authority", a.Authority}, {"additional", a.Additional}} {
		if len(s.records) > 0 {
			fmt.Fprintf(w, ";; %s\n%s\n", s.name, strings.Join(s.records, "\n"))
		}
	}
	fmt.Fprintf(w, ";; %s of the world's time, server %s\n", a.Elapsed, a.Server)
	if !path {
		return
	}
	fmt.Fprintln(w, ";; its way through the world")
	for _, line := range a.Path {
		fmt.Fprintln(w, ";;   "+line)
	}
	for _, t := range a.Traces {
		fmt.Fprintf(w, ";; a resolver's path for %s, asked by %s\n", t.Query, t.Client)
		for _, line := range t.Lines {
			fmt.Fprintln(w, ";;   "+line)
		}
	}
}
