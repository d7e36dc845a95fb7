package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// readyEnv tells the background process that file descriptor 3 is the pipe to
// its parent.
const readyEnv = "OMNIMEDFS_READY_FD"

// readyWord is what the pipe carries when the mount answers; anything else is
// the text of an error.
const readyWord = "ready"

// maxLog bounds the log file of background mounts: a larger one is set aside
// when the next mount starts.
const maxLog = 16 << 20

// readyPipe is the background process's end.
type readyPipe struct{ f *os.File }

// takeReadyPipe returns the pipe to the parent; nil in a foreground process.
func takeReadyPipe(lookup func(string) (string, bool)) *readyPipe {
	if v, _ := lookup(readyEnv); v != "3" {
		return nil
	}
	os.Unsetenv(readyEnv)
	syscall.CloseOnExec(3)
	return &readyPipe{os.NewFile(3, "ready")}
}

// tell ends the parent's wait: with success for a nil error.
func (r *readyPipe) tell(err error) {
	if r == nil || r.f == nil {
		return
	}
	text := readyWord
	if err != nil {
		text = err.Error()
	}
	_, _ = io.WriteString(r.f, text) // the parent may have been killed
	r.f.Close()
	r.f = nil
}

// runBackground starts this program again in a session of its own and waits
// until its mount answers. logs is the folder of its log file.
func runBackground(ctx context.Context, args []string, logs string) error {
	log, err := openLog(logs)
	if err != nil {
		return err
	}
	defer log.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(exe)
	cmd.Args = append([]string{"omnimedfs"}, args...)
	cmd.Env = append(os.Environ(), readyEnv+"=3")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	said, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return err
	}
	if string(said) == readyWord {
		return cmd.Process.Release()
	}
	waitErr := cmd.Wait()
	if text := strings.TrimSpace(string(said)); text != "" {
		return errors.New(text)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("the background process ended before the mount answered (%v); see %s", waitErr, log.Name())
}

// openLog opens the log file of background mounts.
func openLog(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cache folder: %w", err)
	}
	path := filepath.Join(dir, "omnimedfs.log")
	if st, err := os.Stat(path); err == nil && st.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
}
