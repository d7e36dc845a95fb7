package model

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// closeGrace is how long a worker may take to end after goodbye.
const closeGrace = 2 * time.Second

// launch starts a worker (or connects to one) and reads its hello. end closes
// its channel and sees the process off.
func launch(ctx context.Context, opt *Options) (c *conn, end func(), err error) {
	var theirs duplex // the worker's ends
	var channel interface {
		Read([]byte) (int, error)
		Write([]byte) (int, error)
		Close() error
	}
	if opt.Socket == "" {
		var ours duplex
		if ours, theirs, err = pipes(); err != nil {
			return nil, nil, err
		}
		channel = ours
	}
	kill, wait := func() {}, func() {}
	if opt.Command != "" {
		kill, wait, err = run(opt, theirs.r, theirs.w)
		if opt.Socket == "" {
			theirs.Close() // else a worker that ends at once would leave our reads waiting on ourselves
		}
		if err != nil {
			if channel != nil {
				channel.Close()
			}
			return nil, nil, err
		}
	}
	if opt.Socket != "" {
		if channel, err = dial(ctx, opt.Socket, opt.Start); err != nil {
			kill()
			wait()
			return nil, nil, err
		}
	}
	var once sync.Once
	stop := func() { once.Do(func() { kill(); channel.Close() }) }
	timer := time.AfterFunc(opt.Start, stop)
	defer timer.Stop()
	defer context.AfterFunc(ctx, stop)()
	if c, err = newConn(channel, channel, stop); err != nil {
		stop()
		wait()
		return nil, nil, err
	}
	return c, func() {
		late := time.AfterFunc(closeGrace, kill)
		defer late.Stop()
		channel.Close()
		wait()
	}, nil
}

// duplex is a pair of pipe ends.
type duplex struct{ r, w *os.File }

func (d duplex) Read(p []byte) (int, error)  { return d.r.Read(p) }
func (d duplex) Write(p []byte) (int, error) { return d.w.Write(p) }
func (d duplex) Close() error                { return errors.Join(d.r.Close(), d.w.Close()) }

func pipes() (ours, theirs duplex, err error) {
	if theirs.r, ours.w, err = os.Pipe(); err != nil {
		return ours, theirs, err
	}
	if ours.r, theirs.w, err = os.Pipe(); err != nil {
		theirs.r.Close()
		ours.w.Close()
		return ours, theirs, err
	}
	return ours, theirs, nil
}

// run starts the command in a process group of its own, so that what it starts
// ends with it.
func run(opt *Options, r, w *os.File) (kill, wait func(), err error) {
	cmd := exec.Command("/bin/sh", "-c", opt.Command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdout, cmd.Stderr = opt.Log, opt.Log
	cmd.WaitDelay = closeGrace
	if r != nil {
		cmd.ExtraFiles = []*os.File{r, w}
		cmd.Env = append(os.Environ(), "OMNIEVAL_FDS=3,4")
	} else {
		cmd.Env = append(os.Environ(), "OMNIEVAL_SOCKET="+opt.Socket)
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	kill = func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return kill, func() { <-done }, nil
}

// dial connects to the worker's socket, which it may still be about to make.
func dial(ctx context.Context, path string, limit time.Duration) (net.Conn, error) {
	deadline := time.Now().Add(limit)
	var d net.Dialer
	for {
		c, err := d.DialContext(ctx, "unix", path)
		if err == nil {
			return c, nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return nil, fmt.Errorf("socket %s: %w", path, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
