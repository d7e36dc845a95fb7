package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"time"
)

// unmountWait bounds a clean unmount when a signal asked for it.
const unmountWait = 5 * time.Second

// mounted is a FUSE server that answers.
type mounted interface {
	Wait() // returns when it is unmounted
	// Unmount detaches a mount that stays busy until ctx ends.
	Unmount(ctx context.Context) error
	Requests() map[string]int64
}

// mountFunc shows a backend at dir and returns when the mount answers. ctx
// bounds the life of the mount.
type mountFunc func(ctx context.Context, dir string, b backend, o *options, log *slog.Logger) (mounted, error)

func runMount(ctx context.Context, p *program, args []string) error {
	p.ready = takeReadyPipe(p.lookup)
	dir, err := realDir(args[0])
	if err != nil {
		p.ready.tell(err)
		return err
	}
	if p.opts.Background && p.ready == nil {
		return runBackground(ctx, p.respawn(dir), p.opts.Cache)
	}
	err = p.serve(ctx, dir)
	p.ready.tell(err)
	return err
}

// respawn returns the arguments of the background process: every option by its
// resolved value, since a mount helper was given others and paths must hold in
// another folder.
func (p *program) respawn(dir string) []string {
	args := []string{"mount"}
	for i := range p.table.Options {
		o := &p.table.Options[i]
		if !o.For("mount") || o.Local {
			continue
		}
		if list, ok := p.lists()[o.Name]; ok {
			for _, v := range list {
				args = append(args, "--"+o.Name+"="+v)
			}
			continue
		}
		args = append(args, "--"+o.Name+"="+o.Value.String())
	}
	return append(args, "--config="+os.DevNull, "--", dir)
}

func (p *program) lists() map[string][]string {
	return map[string][]string{"mirror": p.opts.Mirror, "recipes": p.opts.Recipes, "datasets": p.opts.Datasets}
}

// serve mounts and returns when the mount is gone.
func (p *program) serve(ctx context.Context, dir string) (err error) {
	b, err := p.open(&p.opts, p.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	ctl, err := serveControl(p.opts.Cache, b)
	if err != nil {
		return err
	}
	defer ctl.Close()
	if p.ready != nil {
		if err := os.Chdir("/"); err != nil { // so that no folder is kept busy
			return err
		}
	}
	m, err := p.mount(context.WithoutCancel(ctx), dir, b, &p.opts, p.log)
	if err != nil {
		return err
	}
	b.Mounted(dir, m.Requests)
	p.log.Info("mounted", "dir", dir, "cache", p.opts.Cache)
	p.ready.tell(nil)
	return p.untilGone(ctx, m)
}

// untilGone waits for an unmount by somebody else or unmounts when a signal
// asks for it.
func (p *program) untilGone(ctx context.Context, m mounted) error {
	gone := make(chan struct{})
	go func() {
		m.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		p.log.Info("unmounted")
		return nil
	case <-ctx.Done():
	}
	p.log.Info("unmounting", "cause", context.Cause(ctx).Error())
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), unmountWait)
	defer cancel()
	if err := m.Unmount(end); err != nil {
		return fmt.Errorf("unmount: %w", err)
	}
	var s signalError
	if errors.As(context.Cause(ctx), &s) && s.sig == syscall.SIGTERM {
		return nil // how a service manager asks for a clean end
	}
	return context.Canceled
}
