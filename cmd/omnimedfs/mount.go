package main

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/tree"
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
	return map[string][]string{"mirror": p.opts.Mirror, "recipes": p.opts.Recipes, "datasets": p.opts.Datasets, "license": p.opts.License, "accept-license": p.opts.Accept, "deny-comm": p.opts.DenyComm}
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
	stopMetrics, err := p.serveMetrics(b)
	if err != nil {
		return err
	}
	defer stopMetrics()
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

// serveMetrics serves the file .omnimedfs/metrics at /metrics of --metrics-addr.
func (p *program) serveMetrics(b backend) (stop func(), err error) {
	if p.opts.Metrics == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", p.opts.Metrics)
	if err != nil {
		return nil, err
	}
	fsys := tree.FS(b.Root())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		data, err := iofs.ReadFile(fsys, ".omnimedfs/metrics")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(data) // the client went away
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = serveUntil(ctx, l, mux) // ends with the context
	}()
	p.log.Info("metrics", "address", l.Addr().String())
	return func() { cancel(); <-done }, nil
}
