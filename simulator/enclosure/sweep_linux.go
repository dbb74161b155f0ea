package enclosure

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// sweep kills what is left of the command's processes. This process is their reaper: one that loses its parent becomes a
// child of this one, so when it has no such children any more nothing is left.
func sweep(theirs func(pid int) bool) {
	for {
		killed := 0
		for _, pid := range children(os.Getpid()) {
			if !theirs(pid) {
				continue
			}
			killed++
			unix.Kill(pid, unix.SIGKILL)
			for {
				if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
					break
				}
			}
		}
		if killed == 0 {
			return
		}
	}
}

// anybody is for a process that has had no children but the command.
func anybody(int) bool { return true }

// elsewhere tells whether a process is in another user namespace than this one: what else a process has for children,
// from the time before it became this program, is not the command's.
func elsewhere(pid int) bool {
	own, err := os.Readlink("/proc/self/ns/user")
	if err != nil {
		return false
	}
	its, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/user")
	return err == nil && its != own
}

// children are the processes whose parent is this one.
func children(parent int) (pids []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// PID (NAME) STATE PPID …, where the name may have anything in it (proc_pid_stat(5)).
		text, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) < 2 {
			continue
		}
		if ppid, err := strconv.Atoi(string(fields[1])); err == nil && ppid == parent {
			pids = append(pids, pid)
		}
	}
	return pids
}
