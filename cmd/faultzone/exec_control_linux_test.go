package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The world around a command is commanded from the host, and from inside.
func TestExecUnderControl(t *testing.T) {
	t.Parallel()
	enclosures(t)
	tool(t, "sh")
	c := newCommanded(t)
	done := filepath.Join(t.TempDir(), "done")
	p := start(t, c.command("exec", "solvethenetwork", "--", "sh", "-c",
		`faultzone inject server-down node=resolver-b looks=refused; faultzone status; echo ready; while [ ! -e "$0" ]; do sleep 0.05; done; faultzone journal --kind act`, done))
	p.waitFor("ready\n")
	if !strings.Contains(p.String(), "server-down is at work") || !strings.Contains(p.String(), "solvethenetwork: ") {
		t.Errorf("from inside: %s", p)
	}
	if out, code := c.say("wait", "--timeout", patience.String()); code != 0 {
		t.Errorf("wait: %d %s", code, out)
	}
	if out, code := c.say("query", "api.solvethenetwork.com", "--via", "resolver-b"); code != 0 || !strings.Contains(out, "no answer: refused") {
		t.Errorf("from the host: %d %s", code, out)
	}
	if out, code := c.say("heal", "server-down"); code != 0 {
		t.Errorf("from the host: %d %s", code, out)
	}
	if err := os.WriteFile(done, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if code := p.end(); code != 0 || strings.Count(p.String(), " by ") < 3 || !strings.Contains(p.String(), "heal by ") {
		t.Errorf("exit code %d: %s", code, p)
	}
	if out, code := c.say("status"); code != exitEnvironment {
		t.Errorf("after it: %d %s", code, out)
	}
}

// With ports, and without an API.
func TestExecOnPortsUnderControl(t *testing.T) {
	t.Parallel()
	tool(t, "sh")
	c := newCommanded(t)
	if out, code := c.say("exec", "--edge", "ports", "solvethenetwork", "--", "faultzone", "query", "api.solvethenetwork.com"); code != 0 || !strings.Contains(out, "10.0.2.50") {
		t.Errorf("%d %s", code, out)
	}
	if out, code := c.say("exec", "--edge", "ports", "--control", "off", "solvethenetwork", "--", "faultzone", "status"); code != exitEnvironment || !strings.Contains(out, "has no API") {
		t.Errorf("%d %s", code, out)
	}
	// Where no record can be kept the command runs all the same.
	if err := os.Chmod(c.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if out, code := c.say("exec", "--edge", "ports", "solvethenetwork", "--", "true"); code != 0 || !strings.Contains(out, "no API") {
		t.Errorf("%d %s", code, out)
	}
}
