package enclosure

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// furnishFiles lays the place's files over the host's, in this mount namespace alone.
func furnishFiles(p Place) error {
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "/"
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts from the host: %w", err)
	}
	names := slices.Sorted(maps.Keys(p.Etc))
	if err := cover(names); err != nil {
		return err
	}
	if err := mount("tmpfs", Dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return err
	}
	for _, folder := range append([]string{"etc"}, append(p.Folders, p.Logs...)...) {
		if err := os.MkdirAll(path.Join(Dir, folder), 0o755); err != nil {
			return err
		}
	}
	for _, name := range names {
		file := path.Join(Dir, "etc", name)
		if err := os.WriteFile(file, p.Etc[name], 0o644); err != nil {
			return err
		}
		if err := mount(file, path.Join("/etc", name), "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	for _, name := range p.Logs {
		if err := coverLog(name); err != nil {
			return err
		}
	}
	mask()
	_ = os.Chdir(cwd) // it may be in a folder that another was laid over
	return nil
}

// cover lays a folder over /etc that has Dir in it and files of these names, whatever the host has in their place: a
// link that leads nowhere, nothing, a mount of its own.
func cover(names []string) error {
	host, err := unix.Open("/etc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("look into /etc: %w", err)
	}
	defer unix.Close(host)
	under := fmt.Sprintf("/proc/self/fd/%d", host)
	mounts := mountsUnder("/etc")
	if err := mount("tmpfs", "/etc", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return err
	}
	const top = "/etc/top"
	if err := os.MkdirAll(top+strings.TrimPrefix(Dir, "/etc"), 0o755); err != nil {
		return err
	}
	for _, name := range names {
		if err := os.WriteFile(path.Join(top, name), nil, 0o644); err != nil {
			return err
		}
	}
	if err := mount("overlay", "/etc", "overlay", unix.MS_NOSUID|unix.MS_NODEV, "lowerdir="+top+":"+under); err != nil {
		if coverByLinks(top, under) != nil {
			return err
		}
		return nil
	}
	for _, name := range mounts {
		if !slices.Contains(names, name) {
			_ = mount(path.Join(under, name), path.Join("/etc", name), "", unix.MS_BIND|unix.MS_REC, "")
		}
	}
	return nil
}

// coverByLinks is cover where overlays are not to be had: on some kernels, and over a folder in which others have mounted
// something, as containers have in /etc. Into the empty file system that lies over /etc it puts what the folder on top has, and
// for the host's other entries links and mounts.
func coverByLinks(top, host string) error {
	const behind = "/etc/.host"
	if err := os.Mkdir(behind, 0o755); err != nil {
		return err
	}
	// The file system that lies over the host's folder is mounted there, so it comes along, on top.
	if err := mount(host, behind, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := unix.Unmount(behind, unix.MNT_DETACH); err != nil {
		return err
	}
	own, err := os.ReadDir(top)
	if err != nil {
		return err
	}
	for _, e := range own {
		if err := os.Rename(path.Join(top, e.Name()), path.Join("/etc", e.Name())); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(behind)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join("/etc", e.Name())
		if _, err := os.Lstat(name); err == nil {
			continue // ours
		}
		if err := sameThere(path.Join(behind, e.Name()), name, e.Type()); err != nil {
			return err
		}
	}
	return nil
}

// sameThere makes an entry of a folder be found under another name. Links stay what they are, for they may be relative, and
// folders are bound, so that such links within them lead where they did.
func sameThere(at, name string, kind fs.FileMode) error {
	switch {
	case kind&fs.ModeSymlink != 0:
		to, err := os.Readlink(at)
		if err != nil {
			return err
		}
		return os.Symlink(to, name)
	case kind.IsDir():
		if err := os.Mkdir(name, 0o755); err != nil {
			return err
		}
		return mount(at, name, "", unix.MS_BIND|unix.MS_REC, "")
	}
	return os.Symlink(at, name)
}

// mountsUnder are the mount points in a folder, relative to it. An overlay would not show what is mounted there.
func mountsUnder(folder string) (names []string) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line) // ID parent major:minor root MOUNTPOINT … (proc_pid_mountinfo(5))
		if len(fields) < 5 {
			continue
		}
		if name, ok := strings.CutPrefix(fields[4], folder+"/"); ok && !strings.Contains(name, `\`) {
			names = append(names, name)
		}
	}
	return names
}

// coverLog puts a folder of Dir into /var/log. Where that has none of the name, its other entries become links.
func coverLog(name string) error {
	const logs = "/var/log"
	target := path.Join(logs, name)
	if info, err := os.Stat(target); err == nil && info.IsDir() {
		return mount(path.Join(Dir, name), target, "", unix.MS_BIND, "")
	}
	entries, err := os.ReadDir(logs)
	if err != nil {
		return nil // there is no /var/log to put it into
	}
	behind := path.Join(Dir, "host-logs")
	if _, err := os.Stat(behind); err == nil { // another has made the links
		return os.Symlink(path.Join(Dir, name), target)
	}
	if err := os.Mkdir(behind, 0o755); err != nil {
		return err
	}
	if err := mount(logs, behind, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := mount("tmpfs", logs, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Symlink(path.Join(behind, e.Name()), path.Join(logs, e.Name())); err != nil {
			return err
		}
	}
	return os.Symlink(path.Join(Dir, name), target)
}

// mask hides the services of the host that answer over Unix sockets, which go round a network namespace: caches and
// resolvers of names, and the bus by which they are reached. What is not there needs no mask, and what cannot be masked
// is not asked in a world whose nsswitch.conf has files and dns alone.
func mask() {
	for _, folder := range []string{"/run/nscd", "/var/run/nscd", "/run/systemd/resolve", "/run/avahi-daemon", "/run/dbus"} {
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			_ = mount("tmpfs", folder, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_RDONLY, "size=4k,mode=0755")
		}
	}
	const private = "/run/systemd/private" // where systemctl finds the host's services
	if _, err := os.Stat(private); err == nil {
		_ = mount("/dev/null", private, "", unix.MS_BIND, "")
	}
}
