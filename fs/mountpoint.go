package fs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What can be in the way of a mount. The texts say what mends it.
var (
	ErrNoDevice     = errors.New("/dev/fuse is missing (as root: modprobe fuse; in a container: start it with --device /dev/fuse --cap-add SYS_ADMIN)")
	ErrDeviceClosed = errors.New("/dev/fuse is closed to this user (as root: chmod 666 /dev/fuse)")
	ErrNoFusermount = errors.New("fusermount3 is missing, which mounts for ordinary users (Debian, Ubuntu: apt-get install fuse3; Fedora: dnf install fuse3)")
	ErrNotPermitted = errors.New("mounting is not permitted (in a container: start it with --cap-add SYS_ADMIN --device /dev/fuse)")
	ErrAllowOther   = errors.New("other users may not be let in (as root: add a line user_allow_other to /etc/fuse.conf)")
	ErrMounted      = errors.New("there is a live omnimedfs mount (end it with: omnimedfs umount DIR)")
	ErrNotEmpty     = errors.New("the folder is not empty")
	ErrNotFolder    = errors.New("not a folder")
	ErrUnresponsive = errors.New("a mount there does not answer (as root: umount -l DIR)")
)

// statTimeout is how long a mount that is already there may take to say
// whether it lives.
const statTimeout = 3 * time.Second

// asRoot tells whether mounts are made without fusermount3.
func asRoot() bool { return os.Geteuid() == 0 }

// prepare makes dir ready to be mounted on and returns it absolute, without
// links: the folder is made where only itself is missing, and the mount that a
// killed process left is taken away.
func prepare(dir string) (string, error) {
	dir, err := resolve(dir, 8)
	if err != nil {
		return "", err
	}
	if err := clearStale(dir); err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return dir, checkEmpty(dir)
}

// resolve returns dir absolute and without links. It does not look at what the
// last link points to: that may be a dead mount, which answers nothing.
func resolve(dir string, links int) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(dir))
	if err != nil {
		return "", err
	}
	dir = filepath.Join(parent, filepath.Base(dir))
	target, err := os.Readlink(dir)
	if err != nil {
		return dir, nil // not a link, or not there yet
	}
	if links == 0 {
		return "", fmt.Errorf("%s: %w", dir, syscall.ELOOP)
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(parent, target)
	}
	return resolve(target, links-1)
}

// clearStale takes away the omnimedfs mounts at dir whose processes are gone.
func clearStale(dir string) error {
	for range 16 { // mounts can be stacked
		m, ok, err := mountAt(dir)
		if err != nil {
			return err
		}
		if !ok || !strings.HasPrefix(m.fsType, "fuse") {
			return nil
		}
		switch err := statWithin(dir, statTimeout); {
		case isDead(err):
			if err := detach(dir); err != nil {
				return fmt.Errorf("%s: taking a dead mount away: %w", dir, err)
			}
		case errors.Is(err, ErrUnresponsive):
			return fmt.Errorf("%s: %w", dir, err)
		case m.fsType == fsType:
			return fmt.Errorf("%s: %w", dir, ErrMounted)
		default:
			return nil
		}
	}
	return fmt.Errorf("%s: %w", dir, ErrUnresponsive)
}

// isDead tells whether err is what a mount gives whose process is gone.
func isDead(err error) bool {
	return errors.Is(err, syscall.ENOTCONN) || errors.Is(err, syscall.ECONNABORTED)
}

func statWithin(dir string, d time.Duration) error {
	done := make(chan error, 1)
	go func() {
		var st unix.Stat_t
		err := unix.Stat(dir, &st)
		if err == nil {
			// A warm root is served from the kernel's cache even when its
			// process is gone; statfs always asks.
			var sf unix.Statfs_t
			err = unix.Statfs(dir, &sf)
		}
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(d):
		return ErrUnresponsive
	}
}

func checkEmpty(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return err
	} else if !st.IsDir() {
		return fmt.Errorf("%s: %w", dir, ErrNotFolder)
	}
	if _, err := f.Readdirnames(1); err == nil {
		return fmt.Errorf("%s: %w", dir, ErrNotEmpty)
	} else if err != io.EOF {
		return err
	}
	return nil
}

// fusermount returns the path of fusermount3.
func fusermount() (string, error) {
	for _, name := range []string{"fusermount3", "/bin/fusermount3", "/usr/bin/fusermount3"} {
		if p, err := exec.LookPath(name); err == nil {
			return p, nil
		}
	}
	return "", ErrNoFusermount
}

// detach takes the mount at dir out of the tree at once, whoever uses it.
func detach(dir string) error { return unmount(dir, true) }

// unmount ends the mount at dir; lazy also when files are open.
func unmount(dir string, lazy bool) error {
	if asRoot() {
		flags := unix.UMOUNT_NOFOLLOW
		if lazy {
			flags |= unix.MNT_DETACH
		}
		return unix.Unmount(dir, flags)
	}
	bin, err := fusermount()
	if err != nil {
		return err
	}
	args := []string{"-u", "--", dir}
	if lazy {
		args = []string{"-u", "-z", "--", dir}
	}
	out, err := exec.Command(bin, args...).CombinedOutput()
	if err != nil {
		text := strings.TrimSpace(string(out))
		if strings.Contains(strings.ToLower(text), "busy") {
			return fmt.Errorf("%s: %w", text, syscall.EBUSY)
		}
		return fmt.Errorf("%s: %w", text, err)
	}
	return nil
}
