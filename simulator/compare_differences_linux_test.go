package simulator_test

import (
	"fmt"
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

var differences = []difference{
	// What they do not tell.
	{"named", ".*", "ede", `\[\]`, "BIND 9.18 has no extended errors about DNSSEC, nor 22 and 23"},
	{"unbound|pdns_recursor", "(.*\\.)?new(alg|dig).good.com. .*", "ede", `\[\]`,
		"1 and 2 with an insecure answer, which says why it is insecure (RFC 8914 sections 4.2 and 4.3): they give none then"},
	{"kresd", "(.*\\.)?new(alg|dig).good.com. .*", "ede", `\[0?\]`, "as the others, and once a 0 (Other) with the keys"},
	{"unbound|kresd|pdns_recursor", "www.(lost|closed).com. A( .cd)?", "ede", `\[\]`, "22 and 23 for servers that say no: these versions tell nothing"},
	{"kresd|pdns_recursor", "www.dark.com. A( .cd)?", "ede", `\[\]`, "22 for silent servers: they tell nothing"},
	{"unbound|kresd|pdns_recursor", "(loop1|self).good.com. A.*", "ede", `\[\]`, "0 (Other), whose text tells of the circle"},
	// Another code for the same.
	{"unbound", "(.*\\.)?(nokeys.good|expired|rolled|span3?|unsigned|missing|toexp.good).com. .*", "ede", `\[6\]`,
		"Unbound 1.17 keeps no code with its bogus data: the first to ask is told more than those after"},
	{"kresd", "(.*\\.)?rolled.com. .*", "ede", `\[6\]`, "9 is for a DS that no DNSKEY matches (RFC 8914 section 4.10); kresd has the general one"},
	{"kresd|pdns_recursor", "(.*\\.)?nokeys.good.com. .*", "ede", `\[1[02]\]`,
		"9 is for a DS that no DNSKEY matches (RFC 8914 section 4.10), as Unbound has it; they name what they missed first in the unsigned answer"},
	{"kresd", "any.wild.(span3?|missing).com. .*", "ede", `\[6\]`, "12 is for a missing or bogus denial (RFC 8914 section 4.13); kresd has it for names, and not for wildcards"},
	{"unbound", ".*(unsigned|missing).com. .*", "ede", `\[1[02]\]`, "an NSEC without signature: 10 or 12; Unbound takes the one for the other"},
	{"pdns_recursor", "(.*\\.)?(expired|rolled|span3?|unsigned|missing|toexp.good|nokeys.good).com. .* .cd", "ede", `\[\d+\]`,
		"PowerDNS 4.8 tells those who disable checking what it thinks of the data"},
	{"pdns_recursor", ".*(span3?|unsigned|missing).com. .*", "ede", `\[\]`, "PowerDNS 4.8 has no code for all of the broken denials"},
	// Another end.
	{"unbound", "www.(dark|closed).com. A( .cd)?", "rcode", "no answer", "Unbound tries for longer than our client waits, and is not told by its kernel that nobody listens"},
	{"unbound", "(www|nosuch).old.good.com. (DNAME|CNAME).*", "rcode", "SERVFAIL", "Unbound 1.17 takes its own CNAME made of a DNAME for bogus there; the three others agree with us"},
	{"kresd", "new(alg|dig).good.com. SOA.*", "rcode", "SERVFAIL", "kresd 5.6 has SERVFAIL for the first name of a zone of unknown algorithms or digests, and not after"},
	{"kresd", "nosuch.unsigned.com. A .dnssec", "rcode", "NXDOMAIN", "kresd 5.6 believes the denial on the second time of asking"},
	{"pdns_recursor", "(nosuch|any.wild|www).(span3?|unsigned|missing).com. (A|AAAA) .cd", "rcode", "SERVFAIL", "PowerDNS 4.8 has SERVFAIL for some bogus data even where checking is disabled"},
	{"pdns_recursor", "any.wild.unsigned.com. A .dnssec", "rcode", "NOERROR", "PowerDNS 4.8 believes the wildcard on the second time of asking"},
	{"named|kresd", "(loop1|self).good.com. A.*", "answer", ".*CNAME.*", "they tell the circle's CNAMEs with their SERVFAIL"},
	// What parents know.
	{"named|pdns_recursor", "plain.com. NSEC.*", "answer", "plain.com. NSEC .*", "the NSEC of an insecure zone's name in the cache is its parent's, and they tell it as an answer (RFC 4035 section 3.1.4.1)"},
	{"named|pdns_recursor", "plain.com. NSEC.*", "ad", "true", "the same"},
	// AD.
	{"kresd", ".* .cd", "ad", "false", "kresd never sets AD for those who disable checking; the others tell what was validated before (RFC 6840 section 5.8)"},
	{"named|pdns_recursor", "(loop1|self).good.com. A.*|www.(dark|lost|closed).com. A.*", "ad", "true", "AD with SERVFAIL means nothing"},
	{"pdns_recursor", "(.*\\.)?(insec.good|nods).com. .*", "ad", "true", "PowerDNS 4.8 calls some denials in insecure zones secure on the second time of asking"},
	{"pdns_recursor", "any.wild.unsigned.com. A .cd", "ad", "true", "PowerDNS 4.8 believes the wildcard on the second time of asking"},
}

// fields are what of an answer is compared. Where the response codes differ the rest is not.
var fields = []string{"rcode", "ad", "answer", "ede"}

type comparison struct {
	t    *testing.T
	used []int // how often each difference was seen
	n    int
	// compared and same are how often a program's field was looked at, and was like ours.
	compared, same map[[2]string]int
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
	c.compared[[2]string{name, field}]++
	if ours == theirs {
		c.same[[2]string{name, field}]++
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

// finish tells the table, with how often each row was seen: some are a matter of what a program happens to ask first.
func (c *comparison) finish(questions int, asked []program) {
	c.t.Logf("%d questions to %d programs: %d differences", questions, len(asked), c.n)
	for _, p := range asked {
		line := fmt.Sprintf("%-13s", p.name)
		for _, field := range fields {
			at := [2]string{p.name, field}
			line += fmt.Sprintf("  %s %d of %d", field, c.same[at], c.compared[at])
		}
		c.t.Log("the same: " + line)
	}
	for i, d := range differences {
		c.t.Logf("%4d  %s, %s of %s is %s: %s", c.used[i], d.programs, d.field, d.question, d.theirs, d.reason)
	}
}
