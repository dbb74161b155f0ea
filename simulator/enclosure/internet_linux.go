package enclosure

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// gateName is the file that the inner process reads from until the outer one has connected it with the internet.
const gateName = "gate"

// havePasta makes sure that there is a way out to be had.
func havePasta() error {
	if _, err := exec.LookPath("pasta"); err != nil {
		return &Refused{Step: "connect the world with the internet", Err: errors.New("pasta is not installed"),
			Advice: []string{"Debian and Ubuntu: apt install passt. Fedora: dnf install passt."}}
	}
	return nil
}

// startPasta connects the namespace of a process with the host's network, for connections from inside alone. It goes on in
// the background, and is swept with all else.
func startPasta(pid int) error {
	args := []string{"--config-net", "--quiet", "--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none", "--no-map-gw"}
	if os.Geteuid() == 0 { // it would become somebody else, who may not enter
		args = append(args, "--runas", "0:0")
	}
	out, err := exec.Command("pasta", append(args, strconv.Itoa(pid))...).CombinedOutput()
	if err != nil {
		text := strings.TrimSpace(string(out))
		if text == "" {
			text = err.Error()
		}
		r := &Refused{Step: "connect the world with the internet", Err: fmt.Errorf("pasta: %s", text)}
		if strings.Contains(text, "tun") {
			r.Advice = []string{"pasta takes /dev/net/tun, which must be there, and be readable and writable for you: as root, chmod 0666 /dev/net/tun."}
		}
		return r
	}
	return nil
}

// WaitForInternet waits, in the inner process, for what [Process.Internet] asked for, with the files that were handed over.
func WaitForInternet(handed map[string]*os.File) error {
	gate := handed[gateName]
	if gate == nil {
		return nil
	}
	defer gate.Close()
	if _, err := gate.Read(make([]byte, 1)); err != nil {
		return errors.New("the world was not connected with the internet")
	}
	return nil
}
