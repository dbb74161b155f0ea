package main

import (
	"context"
	"flag"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"faultzone/scenarios"
	"faultzone/simulator"
	"faultzone/simulator/fault"
)

// A recording whose disk is full ends with the machine's exit code, whatever the verdict.
func TestRecordingOnAFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full here")
	}
	for _, flag := range []string{"pcap", "dnstap"} {
		var stdout, stderr strings.Builder
		code := run(context.Background(), []string{"faultzone", "test", "rrsig-expired", "--" + flag, "/dev/full"}, &stdout, &stderr)
		if code != exitEnvironment || !strings.Contains(stderr.String(), "--"+flag+" /dev/full: no space left on device") {
			t.Errorf("--%s: exit code %d, %s", flag, code, stderr.String())
		}
	}
}

// The metrics of a live world tell of its recordings.
func TestMetricsOfRecordings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flags := flag.NewFlagSet("test", flag.ContinueOnError)
	flags.String("pcap", filepath.Join(dir, "a.pcap"), "")
	flags.String("dnstap", "unix:"+filepath.Join(dir, "nobody.sock"), "")
	o, err := openObservers(cli.NewContext(newApp(io.Discard, io.Discard), flags, nil), true)
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := scenarios.Builtin("negative-cache", fault.Vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	w, err := simulator.New(s, simulator.Options{Live: true, OnBuilt: o.attach})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := o.close(); err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	o.metricsOf(func() *simulator.World { return w }).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	text := answer.Body.String()
	has(t, text, `^faultzone_recording_legs_total\{recording="pcap"\} [1-9]`)
	has(t, text, `^faultzone_recording_dropped_legs_total\{recording="pcap"\} 0$`)
	has(t, text, `^faultzone_recording_legs_total\{recording="dnstap"\} 0$`)
	has(t, text, `^faultzone_recording_dropped_legs_total\{recording="dnstap"\} [1-9]`)
	has(t, text, `^faultzone_queries_total\{fate="delivered",node="ns1",transport="tcp"\} [1-9]`)
}

// recorded plays a scenario and returns the files of what crossed its network.
func recorded(t *testing.T, scenario string) (pcap, pcapng, dnstap string) {
	t.Helper()
	dir := t.TempDir()
	pcap, pcapng, dnstap = filepath.Join(dir, "a.pcap"), filepath.Join(dir, "a.pcapng"), filepath.Join(dir, "a.dnstap")
	for _, flags := range [][]string{{"--pcap", pcap, "--dnstap", dnstap}, {"--pcap", pcapng}} {
		var stderr strings.Builder
		args := append([]string{"faultzone", "test", scenario}, flags...)
		if code := run(context.Background(), args, io.Discard, &stderr); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr.String())
		}
	}
	return pcap, pcapng, dnstap
}

// tshark reads a capture; what it says of itself is left out.
func tshark(t *testing.T, file string, args ...string) string {
	t.Helper()
	cmd := exec.Command(tool(t, "tshark"), append([]string{"-n", "-r", file}, args...)...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("tshark %s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String()
}

// fields are what tshark finds in the packets that a filter takes, a packet a line.
func fields(t *testing.T, file, filter string, names ...string) []string {
	t.Helper()
	args := []string{"-Y", filter, "-T", "fields", "-E", "occurrence=f"}
	for _, n := range names {
		args = append(args, "-e", n)
	}
	return strings.FieldsFunc(tshark(t, file, args...), func(r rune) bool { return r == '\n' })
}

// Wireshark takes every packet: checksums, streams and DNS over UDP and TCP, in both formats and live.
func TestWiresharkReadsCaptures(t *testing.T) {
	t.Parallel()
	tool(t, "tshark")
	pcap, pcapng, _ := recorded(t, "rrsig-expired")
	live := filepath.Join(t.TempDir(), "live.pcapng")
	w := runWorld(t, "--pcap", live)
	for _, how := range []string{"+notcp", "+tcp"} {
		has(t, w.dig("RESOLVER_A", "api.solvethenetwork.com", "A", how), `10\.0\.2\.50`)
	}
	w.dig("NS1", "solvethenetwork.com", "AXFR", "-y", w.addresses["TSIG_INTERNAL_TRANSFER"])
	if code := w.interrupt(); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	wrong := strings.Join([]string{
		"_ws.malformed",
		"_ws.expert.severity >= 8388608", // an error
		`ip && ip.checksum.status == "Bad"`,
		`udp && !(udp.checksum.status == "Good")`,
		`tcp && !(tcp.checksum.status == "Good")`,
		// What does not follow in its stream.
		"tcp.analysis.lost_segment", "tcp.analysis.ack_lost_segment", "tcp.analysis.out_of_order", "tcp.analysis.retransmission",
		"tcp.analysis.window_full",
		"udp.port == 53 && !dns && !icmp", "tcp.len > 2 && !dns", // no DNS
		"frame.time_delta < 0", // out of the order of time
	}, " || ")
	for _, file := range []string{pcap, pcapng, live} {
		name := filepath.Base(file)
		if out := tshark(t, file, "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-Y", wrong); out != "" {
			t.Errorf("%s: something is wrong with\n%.1000s", name, out)
		}
		count := map[string]int{}
		for _, line := range fields(t, file, "dns || tcp.flags.syn == 1 && tcp.flags.ack == 1 || tcp.flags.fin == 1", "ip.proto", "tcp.flags") {
			count[line]++
		}
		const syn, fin, data = "6\t0x0012", "6\t0x0011", "6\t0x0018"
		if count["17\t"] == 0 || count[data] == 0 {
			t.Errorf("%s: no DNS over UDP, or over TCP: %v", name, count)
		}
		if count[syn] == 0 || 2*count[syn] != count[fin] {
			t.Errorf("%s: not each connection begins and ends: %v", name, count)
		}
	}
	got := fields(t, pcap, "dns.flags.response == 1 && dns.opt.ext_error.info_code == 7 && ip.src == 10.0.1.10", "dns.qry.name", "dns.flags.rcode")
	if len(got) == 0 || !strings.HasSuffix(got[0], ".solvethenetwork.com\t2") {
		t.Errorf("resolver-a's SERVFAIL with Signature Expired: %q", got)
	}
}

// What is refused, lost or unreachable looks as it does in a capture of a real network, and a pcapng says why.
func TestWiresharkSeesFaults(t *testing.T) {
	t.Parallel()
	tool(t, "tshark")
	cases := []struct {
		scenario, filter, comment string
	}{
		{"stub-listener-down", "icmp.type == 3 && icmp.code == 3 && dns.qry.name", "refused: nobody listens there"},
		{"resolver-unreachable", "dns.flags.response == 0 && frame.comment", "dropped by partition"},
		{"resolver-down", "dns.flags.response == 0 && frame.comment", "dropped: the host is dark, or hangs"},
		{"resolver-refuses", "dns.flags.rcode == 5 && frame.comment", "changed by resolver-acl"},
	}
	for _, c := range cases {
		_, pcapng, _ := recorded(t, c.scenario)
		comments := fields(t, pcapng, c.filter, "frame.comment")
		if len(comments) == 0 || !strings.Contains(comments[0], c.comment) {
			t.Errorf("%s: %q", c.scenario, comments)
		}
	}
}

// BIND's reader takes every message, and finds what each server logged.
func TestDnstapReadReadsDnstap(t *testing.T) {
	t.Parallel()
	tool(t, "dnstap-read")
	_, _, dnstap := recorded(t, "rrsig-expired")
	out := output(t, "dnstap-read", dnstap)
	for _, pattern := range []string{
		`^10-Apr-2026 11:01:00\.\d+ CQ 10\.0\.2\.100:\d+ -> 10\.0\.1\.10:53 UDP \d+b api\.solvethenetwork\.com/IN/A$`,
		`^10-Apr-2026 11:01:00\.\d+ RQ 10\.0\.1\.10:\d+ -> [\d.]+:53 UDP \d+b api\.solvethenetwork\.com/IN/A$`,
		`^10-Apr-2026 11:01:00\.\d+ RR 10\.0\.1\.10:\d+ <- [\d.]+:53 UDP \d+b api\.solvethenetwork\.com/IN/A$`,
		`^10-Apr-2026 11:01:00\.\d+ CR 10\.0\.2\.100:\d+ <- 10\.0\.1\.10:53 UDP \d+b api\.solvethenetwork\.com/IN/A$`,
		`^10-Apr-2026 10:59:55\.\d+ AR 10\.0\.3\.20:\d+ <- 10\.0\.1\.20:53 TCP \d+b solvethenetwork\.com/IN/AXFR$`,
	} {
		has(t, out, pattern)
	}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) != 9 || !strings.Contains("AQ AR CQ CR RQ RR SQ SR", f[2]) {
			t.Errorf("odd: %s", line)
		}
	}
	yaml := output(t, "dnstap-read", "-y", dnstap)
	has(t, yaml, `identity: resolver-a$`)
	has(t, yaml, `type: RESOLVER_RESPONSE$`)
	has(t, yaml, `status: SERVFAIL$`)
}

// A collector in another language takes the stream of a live world over a unix socket, to its farewell.
func TestCollectorTakesDnstap(t *testing.T) {
	t.Parallel()
	capture := tool(t, "fstrm_capture")
	tool(t, "dnstap-read")
	dir := t.TempDir()
	socket, file := filepath.Join(dir, "tap.sock"), filepath.Join(dir, "taken.dnstap")
	collector := start(t, exec.Command(capture, "-t", "protobuf:dnstap.Dnstap", "-u", socket, "-w", file, "-dddd"))
	collector.waitFor("opened output file") // the socket was before it
	w := runWorld(t, "--dnstap", "unix:"+socket)
	has(t, w.dig("RESOLVER_A", "api.solvethenetwork.com", "A"), `10\.0\.2\.50`)
	if code := w.interrupt(); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(w.String(), "--dnstap") {
		t.Error("something was dropped")
	}
	collector.interrupt()
	out := output(t, "dnstap-read", file)
	has(t, out, ` CQ 10\.0\.2\.100:\d+ -> 10\.0\.1\.10:53 UDP \d+b api\.solvethenetwork\.com/IN/A$`)
	has(t, out, ` CR 10\.0\.2\.100:\d+ <- 10\.0\.1\.10:53 UDP \d+b api\.solvethenetwork\.com/IN/A$`)
	has(t, out, ` RQ 10\.0\.1\.10:\d+ -> `)
	has(t, out, ` AR 10\.0\.3\.20:\d+ <- 10\.0\.1\.20:53 TCP \d+b solvethenetwork\.com/IN/AXFR$`)
}
