package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"faultzone/simulator/control"
)

func statusCommand() *cli.Command {
	return &cli.Command{
		Name:        "status",
		Usage:       "tell how a running world is: its time, nodes and faults",
		Description: remoteExits,
		Flags: []cli.Flag{worldFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "zones", Usage: "list every zone on every server too", DisableDefaultText: true}},
		OnUsageError: onUsageError,
		Action:       statusAction,
	}
}

// status is a world with all its parts.
type status struct {
	World control.World `json:"world"`
	control.Nodes
	// Faults are all that are at work, and the latest that are healed, each in order.
	Faults []control.Fault `json:"faults"`
	control.Zones
	control.Caches
}

func statusAction(c *cli.Context) error {
	if err := noMore(c, 0); err != nil {
		return err
	}
	r, err := remoteWorld(c)
	if err != nil {
		return err
	}
	const atWork, healed = "/v1/faults?active=true&limit=5000", "/v1/faults?active=false&limit=20"
	var s status
	var faults [2]control.Faults
	for _, part := range []struct {
		path string
		into any
	}{{"/v1/world", &s.World}, {"/v1/nodes", &s.Nodes}, {atWork, &faults[0]}, {healed, &faults[1]}, {"/v1/zones", &s.Zones}, {"/v1/caches", &s.Caches}} {
		if _, err := r.call(c.Context, "GET", part.path, nil, part.into); err != nil {
			return err
		}
	}
	s.Faults = slices.Concat(faults[1].Faults, faults[0].Faults)
	if c.Bool("json") {
		data, err := json.Marshal(s)
		if err != nil {
			return err
		}
		return printAnswer(c, data)
	}
	out := c.App.Writer
	printWorld(out, s.World)
	printNodes(out, s.Nodes.Nodes)
	printFaults(out, s.World.Clock.Start, s.Faults, faults[1].Offset)
	if c.Bool("zones") {
		printZones(out, s.World.Clock.Now, s.Zones.Zones)
	}
	return nil
}

func printWorld(out io.Writer, w control.World) {
	fmt.Fprintf(out, "%s: %s\n", w.ID, w.Title)
	fmt.Fprintf(out, "world time %s, %s after the start, %s\n", w.Clock.Now.Format(time.RFC3339), worldTime(w.Clock.Now.Sub(w.Clock.Start)), paceOf(w.Clock))
	if n := w.Steps.Done + w.Steps.Left; n > 0 {
		fmt.Fprintf(out, "%d of %s done\n", w.Steps.Done, plural(n, "step"))
	}
	if w.Halted != nil {
		fmt.Fprintf(out, "halted: %s\n", *w.Halted)
	}
	if !w.Ready {
		fmt.Fprintln(out, "not ready yet")
	}
}

// paceOf is how fast a world goes.
func paceOf(k control.Clock) string {
	switch {
	case k.Paused:
		return "standing still"
	case k.Speed == 1:
		return "at the wall's pace"
	}
	return fmt.Sprintf("at %v times the wall's pace", k.Speed)
}

// printNodes prints a line a node and door.
func printNodes(out io.Writer, nodes []control.Node) {
	rows := [][]string{{"NODE", "STATE", "IN THE WORLD", "HERE (UDP AND TCP)"}}
	for _, n := range nodes {
		if len(n.Doors) == 0 {
			continue // nobody outside can ask it
		}
		for _, d := range n.Doors {
			rows = append(rows, []string{n.Name, n.State, d.World.String(), d.Here.String()})
		}
	}
	printRows(out, rows)
}

// printFaults prints a line a fault; earlier is how many that are healed it leaves out.
func printFaults(out io.Writer, start time.Time, faults []control.Fault, earlier int) {
	if len(faults) == 0 {
		fmt.Fprintln(out, "\nNothing is broken.")
		return
	}
	rows := [][]string{{"FAULT", "NAME", "SINCE", "UNTIL", "SEEN", "MATCHED", "CHANGED", "BY"}}
	after := func(t time.Time) string { return "+" + worldTime(t.Sub(start)) }
	for _, f := range faults {
		var until string
		switch {
		case !f.Active:
			until = "healed at " + after(f.HealedAt)
		case f.Until.IsZero():
			until = "-"
		default:
			until = after(f.Until)
		}
		rows = append(rows, []string{f.Fault, f.Name, after(f.Since), until, fmt.Sprint(f.Seen), fmt.Sprint(f.Matched), fmt.Sprint(f.Changed), f.By})
	}
	printRows(out, rows)
	if earlier > 0 {
		fmt.Fprintf(out, "(%s before these: healed; the API's /v1/faults has them)\n", plural(earlier, "fault"))
	}
}

func printZones(out io.Writer, now time.Time, zones []control.Zone) {
	rows := [][]string{{"ZONE", "SERVER", "VIEW", "SERIAL", "EXPIRES IN", "SIGNATURES END IN"}}
	in := func(t time.Time) string {
		switch {
		case t.IsZero():
			return "-"
		case !t.After(now):
			return "ended"
		}
		return worldTime(t.Sub(now))
	}
	for _, z := range zones {
		rows = append(rows, []string{z.Zone, z.Server, z.View, fmt.Sprint(z.Serial), in(z.Expires), in(z.SignaturesEnd)})
	}
	printRows(out, rows)
}

// printRows prints a table with an empty line before it.
func printRows(out io.Writer, rows [][]string) {
	fmt.Fprintln(out)
	widths := make([]int, len(rows[0]))
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], width(row[i]))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&b, "%-*s  ", widths[i], cell)
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
}
