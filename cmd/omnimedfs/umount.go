package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// umountWait bounds the wait for a busy mount and for its server's end.
const umountWait = 10 * time.Second

func runUmount(ctx context.Context, p *program, args []string) error {
	dir, err := realDir(args[0])
	if err != nil {
		return err
	}
	m, ok, err := mountAt(dir)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%s: no omnimedfs is mounted there", args[0])
	}
	pid := 0
	if st, err := readStatus(dir); err == nil {
		pid = st.PID
	}
	if err := unmountRetry(ctx, dir, p.opts.Lazy); err != nil {
		return err
	}
	if err := waitGone(ctx, m); err != nil {
		return err
	}
	if pid > 0 && !p.opts.Lazy {
		return waitExit(ctx, pid)
	}
	return nil
}

// unmountRetry unmounts; it tries a busy mount for a second, since a reader
// that has just ended may still hold it.
func unmountRetry(ctx context.Context, dir string, lazy bool) error {
	for try := 0; ; try++ {
		err := unmountOnce(dir, lazy)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || try == 10 {
			if errors.Is(err, unix.EBUSY) {
				return fmt.Errorf("%s: files are in use (lsof +f -- %s shows by whom); umount -l detaches it anyway", dir, dir)
			}
			return err
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// unmountOnce unmounts dir as root, else through fusermount3, which may do it
// for the user who mounted.
func unmountOnce(dir string, lazy bool) error {
	flags := unix.UMOUNT_NOFOLLOW
	if lazy {
		flags |= unix.MNT_DETACH
	}
	err := unix.Unmount(dir, flags)
	if err == nil || !errors.Is(err, unix.EPERM) {
		if err != nil {
			return fmt.Errorf("unmount %s: %w", dir, err)
		}
		return nil
	}
	args := []string{"-u", "--", dir}
	if lazy {
		args = []string{"-u", "-z", "--", dir}
	}
	out, err := exec.Command("fusermount3", args...).CombinedOutput()
	text := strings.TrimSpace(string(out))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("fusermount3 is not installed: apt-get install fuse3")
	case strings.Contains(text, "busy"):
		return fmt.Errorf("unmount %s: %w", dir, unix.EBUSY)
	}
	return fmt.Errorf("unmount %s: %s", dir, text)
}

// waitGone waits until the mount is no longer listed.
func waitGone(ctx context.Context, m mountPoint) error {
	for end := time.Now().Add(umountWait); time.Now().Before(end); {
		now, ok, err := mountAt(m.Dir)
		if err != nil {
			return err
		}
		if !ok || now.ID != m.ID {
			return nil
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s is still mounted", m.Dir)
}

// waitExit waits until the server has closed its cache, so that the next mount
// can open it.
func waitExit(ctx context.Context, pid int) error {
	if pid == os.Getpid() {
		return nil
	}
	for end := time.Now().Add(umountWait); time.Now().Before(end); {
		if err := unix.Kill(pid, 0); errors.Is(err, unix.ESRCH) || zombie(pid) {
			return nil
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("unmounted, but its process %d is still at work", pid)
}

// zombie reports whether the process has ended and only its parent has not
// noticed.
func zombie(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	_, after, _ := strings.Cut(string(data), ") ")
	return strings.HasPrefix(after, "Z") || strings.HasPrefix(after, "X")
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
