package simulator_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// difference is one that is allowed.
type difference struct {
	// programs are those that differ from us so; question and theirs are regular expressions for the whole of a question
	// and of what they have in the field ("rcode", "ad", "answer" or "ede").
	programs, question, field, theirs string
	reason                            string
}

var differences = []difference{}

type comparison struct {
	t    *testing.T
	used []int // how often each difference was seen
	n    int
}

// program compares all of its outcomes with ours.
func (c *comparison) program(name string, questions []question, ours, theirs []outcome) {
	for i, q := range questions {
		a, b := ours[i], theirs[i]
		c.field(name, q, "rcode", a.rcode, b.rcode, a)
		if a.rcode != b.rcode {
			continue
		}
		c.field(name, q, "ad", fmt.Sprint(a.ad), fmt.Sprint(b.ad), a)
		c.field(name, q, "answer", strings.Join(a.answer, "; "), strings.Join(b.answer, "; "), a)
		c.field(name, q, "ede", fmt.Sprint(a.ede), fmt.Sprint(b.ede), a)
	}
}

func (c *comparison) field(name string, q question, field, ours, theirs string, o outcome) {
	if ours == theirs {
		return
	}
	c.n++
	for i, d := range differences {
		if d.field == field && whole(d.programs, name) && whole(d.question, q.String()) && whole(d.theirs, theirs) {
			c.used[i]++
			return
		}
	}
	c.t.Errorf("%-13s %-34s %-6s ours %s, theirs %s %q", name, q, field, ours, theirs, o.texts)
}

func whole(pattern, s string) bool {
	return regexp.MustCompile("^(?:" + pattern + ")$").MatchString(s)
}

// finish tells the table, and of what in it was not seen.
func (c *comparison) finish(questions int, asked []program) {
	c.t.Logf("%d questions to %d programs: %d differences", questions, len(asked), c.n)
	for i, d := range differences {
		c.t.Logf("%4d  %s, %s of %s is %s: %s", c.used[i], d.programs, d.field, d.question, d.theirs, d.reason)
		if c.used[i] == 0 && os.Getenv("FAULTZONE_REQUIRE_TOOLS") == "1" {
			c.t.Errorf("nobody differs so any more: %+v", d)
		}
	}
}
