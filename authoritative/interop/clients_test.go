package interop_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"faultzone/authoritative"
	"faultzone/authoritative/sign"

	"github.com/miekg/dns"
)

// question is what is asked in TestClients, and what has to be seen.
type question struct {
	name           string
	rrtype         uint16
	rcode          string
	answers, other int // records in the answer and in the authority section
}

// everyQuestion asks for every RRset of the zone, for one that each name does not have, and for a name below each.
func everyQuestion(t testing.TB, o *ours, do bool) []question {
	t.Helper()
	var list []question
	add := func(name string, rrtype uint16) {
		q := new(dns.Msg)
		q.SetQuestion(name, rrtype)
		q.RecursionDesired = false
		q.SetEdns0(1232, do)
		c := dns.Client{Net: "tcp"}
		r, _, err := c.Exchange(q, o.at.String())
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, question{name, rrtype, dns.RcodeToString[r.Rcode], len(r.Answer), len(r.Ns)})
	}
	z := o.Zone("", origin)
	for set := range z.RRsets() {
		if set.Type != dns.TypeNSEC3 {
			add(set.Name, set.Type)
		}
	}
	for n := range z.Names() {
		add(n.Name, dns.TypeLOC)
		add("nx."+n.Name, dns.TypeA)
	}
	return list
}

// kdig, dig and drill see well-formed answers over UDP and TCP for the whole zone, and all see the same.
func TestClientsSeeTheWholeZone(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]sign.Params{"NSEC": {Denial: sign.NSEC}, "NSEC3": {Denial: sign.NSEC3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := serve(t, freePort(t), key("hmac-sha256"), authoritative.Zone{Data: parseZone(t, contentText()), Signing: signing(t, p)})
			questions := everyQuestion(t, o, true)
			t.Logf("%d questions", len(questions))
			for _, tcp := range []bool{false, true} {
				for _, client := range []string{"dig", "kdig", "drill"} {
					t.Run(fmt.Sprintf("%s/tcp=%t", client, tcp), func(t *testing.T) {
						t.Parallel()
						tool(t, client)
						if client == "drill" {
							drillAll(t, o, questions, tcp)
							return
						}
						digAll(t, client, o, questions, tcp)
					})
				}
			}
		})
	}
}

// digAll has dig or kdig ask everything in one go.
func digAll(t *testing.T, client string, o *ours, questions []question, tcp bool) {
	common := []string{"@" + o.at.Addr().String(), "-p", strconv.Itoa(int(o.at.Port())), "+dnssec", "+norec", "+timeout=5", "+retry=1"}
	if tcp {
		common = append(common, "+tcp")
	} else if client == "dig" {
		common = append(common, "+notcp") // it asks for ANY over TCP, which to kdig would mean: not even when truncated
	}
	var args []string
	for _, q := range questions {
		args = append(append(args, "-q", q.name, "-t", fmt.Sprintf("TYPE%d", q.rrtype)), common...)
	}
	check(t, run(t, client, args...), questions, regexp.MustCompile(`(?m)^;; ->>HEADER<<- .*status: (\w+)`))
}

// drillAll has drill ask one by one.
func drillAll(t *testing.T, o *ours, questions []question, tcp bool) {
	path := tool(t, "drill")
	var out strings.Builder
	for _, q := range questions {
		args := []string{"-o", "rd", "-D", "-b", "1232", "-a", "-p", strconv.Itoa(int(o.at.Port()))}
		if tcp {
			args = append(args, "-t")
		}
		out.WriteString(run(t, path, append(args, q.name, "@"+o.at.Addr().String(), fmt.Sprintf("TYPE%d", q.rrtype))...))
	}
	check(t, out.String(), questions, regexp.MustCompile(`(?m)^;; ->>HEADER<<- .*rcode: (\w+)`))
}

// check compares what a client printed with what there was to be seen: as many messages, each with its code and counts, and
// not a word about any of them.
func check(t *testing.T, out string, questions []question, code *regexp.Regexp) {
	t.Helper()
	counts := regexp.MustCompile(`QUERY: 1[,;] ANSWER: (\d+)[,;] AUTHORITY: (\d+)[,;] ADDITIONAL: (\d+)`).FindAllStringSubmatch(out, -1)
	codes := code.FindAllStringSubmatch(out, -1)
	if len(counts) != len(questions) || len(codes) != len(questions) {
		t.Fatalf("%d headers and %d counts of %d:\n%s", len(codes), len(counts), len(questions), out)
	}
	for i, q := range questions {
		if codes[i][1] != q.rcode || counts[i][1] != strconv.Itoa(q.answers) || counts[i][2] != strconv.Itoa(q.other) {
			t.Errorf("%s %s: %s %v, want %+v", q.name, dns.Type(q.rrtype), codes[i][1], counts[i][1:], q)
		}
	}
	bad := regexp.MustCompile(`(?i)^;; warning|malformed|bad packet|extra bytes|mismatch|^;; (error|got bad|unexpected|connection|no servers|communications)|timed out|garbage|failed`)
	for line := range strings.Lines(out) {
		truncated := strings.Contains(line, "truncated reply") && strings.Contains(line, "(UDP), retrying over TCP") // kdig's word for TC
		if !truncated && !strings.HasPrefix(line, "; <<>>") && bad.MatchString(line) {
			t.Errorf("it says %s", line)
		}
	}
}
