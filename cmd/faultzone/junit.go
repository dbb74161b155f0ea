package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"faultzone/scenarios"
	"faultzone/simulator/play"
)

// The JUnit form of a test run, as CI systems read it: one suite, in it a case for each scenario. A case that failed has
// one failure element, because some readers take only the first. Times are seconds of the wall.
type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	junitCounts
	Suites []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	junitCounts
	Skipped int         `xml:"skipped,attr"`
	Cases   []junitCase `xml:"testcase"`
}

type junitCounts struct {
	Name     string `xml:"name,attr"`
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Time     string `xml:"time,attr"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	Classname string        `xml:"classname,attr"`
	File      string        `xml:"file,attr,omitempty"`
	Line      int           `xml:"line,attr,omitempty"`
	Time      string        `xml:"time,attr"`
	Failure   *junitProblem `xml:"failure"`
	Error     *junitProblem `xml:"error"`
	Output    string        `xml:"system-out,omitempty"`
}

// junitProblem is why a case failed: its expectations (a failure), or what kept it from being played (an error).
type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// junit collects the cases of a run.
type junit struct {
	cases []junitCase
	wall  time.Duration
}

// played adds a scenario that was played to its end.
func (j *junit) played(r *play.Report, s *scenarios.Scenario, seed *uint64) {
	v := toVerdict(r, s, seed)
	c := junitCase{Name: v.Name, Classname: "faultzone", Time: junitSeconds(r.Wall),
		Output: printable(fmt.Sprintf("%s\nseed %d, %d expectations, %s of the world's time\n", v.Title, v.Seed, v.Expectations, worldTime(r.Virtual)))}
	if len(s.Steps) > 0 {
		c.File = printable(s.Steps[0].Pos.File)
	}
	if len(v.Failures) > 0 {
		c.Failure = junitFailure(v)
		c.File, c.Line = printable(v.Failures[0].File), v.Failures[0].Line
	}
	j.cases = append(j.cases, c)
	j.wall += r.Wall
}

// broken adds a scenario that could not be played, or not to its end.
func (j *junit) broken(s *scenarios.Scenario, err error) {
	j.cases = append(j.cases, junitCase{Name: s.Name, Classname: "faultzone", Time: junitSeconds(0),
		Error: &junitProblem{Message: printable(firstLine(err.Error())), Type: "error", Text: printable(err.Error())}})
}

func junitFailure(v scenarioVerdict) *junitProblem {
	var b strings.Builder
	for _, f := range v.Failures {
		if f.File != "" {
			fmt.Fprintf(&b, "%s:%d: ", f.File, f.Line)
		}
		if f.Step > 0 {
			fmt.Fprintf(&b, "step %d, at %s: ", f.Step, worldTime(time.Duration(f.At*float64(time.Second))))
		}
		fmt.Fprintln(&b, f.What)
		for _, reason := range f.Reasons {
			fmt.Fprintln(&b, "  "+reason)
		}
		if f.Got != "" {
			fmt.Fprintln(&b, "  came: "+f.Got)
		}
		if len(f.Path) > 0 {
			fmt.Fprintln(&b, "  its way through the world:\n    "+strings.Join(f.Path, "\n    "))
		}
	}
	first := v.Failures[0]
	message := first.What + ": " + first.Reasons[0]
	if more := len(v.Failures) - 1; more > 0 {
		message += fmt.Sprintf(" (and %d more)", more)
	}
	return &junitProblem{Message: printable(message), Type: "expectation", Text: printable(b.String())}
}

// write writes the document.
func (j *junit) write(w io.Writer) error {
	counts := junitCounts{Name: "faultzone", Tests: len(j.cases), Time: junitSeconds(j.wall)}
	for _, c := range j.cases {
		if c.Failure != nil {
			counts.Failures++
		}
		if c.Error != nil {
			counts.Errors++
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(junitSuites{junitCounts: counts, Suites: []junitSuite{{junitCounts: counts, Cases: j.cases}}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// printable is a text without what XML 1.0 cannot hold, not even as an entity (section 2.2): control characters and the
// like become what Go would write for them.
func printable(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '\uFFFD' && text[i] != 0xEF: // an octet that is no UTF-8
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '\t' || r == '\n' || r >= 0x20 && r != 0xFFFE && r != 0xFFFF:
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}
