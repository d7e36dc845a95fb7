package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
	"github.com/omnimedseg/omnimedfs/eval/model"
	"github.com/omnimedseg/omnimedfs/eval/report"
	"github.com/omnimedseg/omnimedfs/eval/session"
)

// modelFlags say what is evaluated.
type modelFlags struct {
	model, worker, socket, npz string
	timeout, startTimeout      time.Duration
	metricWorker               string
}

func (m *modelFlags) define(f *pflag.FlagSet) {
	f.StringVar(&m.model, "model", "", "built-in model: "+strings.Join(model.Names(), ", ")+" (dir:FOLDER has precomputed masks)")
	f.StringVar(&m.worker, "worker", "", "command of a worker that speaks the protocol, as in 'python omnieval_worker.py'")
	f.StringVar(&m.socket, "socket", "", "unix socket of the worker (default file descriptors 3 and 4); alone: it runs already")
	f.StringVar(&m.npz, "npz", "", "command of a CVPR 2025 entry: reads ./inputs/CASE.npz, writes ./outputs/CASE.npz")
	f.DurationVar(&m.timeout, "timeout", model.DefaultTimeout, "time for one prediction")
	f.DurationVar(&m.startTimeout, "start-timeout", model.DefaultStart, "time for a worker to start")
	f.StringVar(&m.metricWorker, "metric-worker", "", "command of a worker that computes the metrics that are not built in")
}

// spec is how the run remembers its model.
func (m *modelFlags) spec() string {
	switch {
	case m.worker != "":
		return "worker " + m.worker
	case m.socket != "":
		return "socket " + m.socket
	case m.npz != "":
		return "npz " + m.npz
	}
	return m.model
}

// restore sets the flags from a spec, unless they were given.
func (m *modelFlags) restore(spec string) {
	if m.spec() != "" {
		return
	}
	kind, rest, found := strings.Cut(spec, " ")
	switch {
	case found && kind == "worker":
		m.worker = rest
	case found && kind == "socket":
		m.socket = rest
	case found && kind == "npz":
		m.npz = rest
	default:
		m.model = spec
	}
}

// open starts the model. What workers print goes to log.
func (m *modelFlags) open(ctx context.Context, log io.Writer, logger *slog.Logger) (model.Model, error) {
	given := 0
	for _, s := range []string{m.model, m.npz} {
		if s != "" {
			given++
		}
	}
	if m.worker != "" || m.socket != "" {
		given++
	}
	if given != 1 {
		return nil, usagef("give one of --model, --worker, --socket, --npz")
	}
	switch {
	case m.npz != "":
		return model.NewNPZ(model.Options{Command: m.npz, Timeout: m.timeout, Log: log})
	case m.model != "":
		return model.Open(m.model)
	}
	return model.NewWorker(ctx, model.Options{Command: m.worker, Socket: m.socket, Start: m.startTimeout, Timeout: m.timeout, Log: log, Logger: logger})
}

// execFlags say how a run is done.
type execFlags struct {
	inflight        int
	noFinals, quiet bool
}

func (e *execFlags) define(f *pflag.FlagSet) {
	f.IntVar(&e.inflight, "inflight", 0, "cases at a time (default 4 with a worker, else one a processor)")
	f.BoolVar(&e.noFinals, "no-finals", false, "do not keep final masks; the report then has no pictures")
	f.BoolVar(&e.quiet, "quiet", false, "no progress")
}

// workerLog is where workers' prints go, in the folder of the run.
const workerLog = "worker.log"

// start runs a configuration and writes its tables.
func start(ctx context.Context, s *streams, c *session.Config, mf *modelFlags, ef *execFlags, opt session.Options) (err error) {
	if err := os.MkdirAll(opt.Dir, 0o755); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(opt.Dir, workerLog), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	logger := slog.New(slog.NewTextHandler(s.err, nil))
	m, err := mf.open(ctx, log, logger)
	if err != nil {
		return err
	}
	defer m.Close()
	if mf.metricWorker != "" {
		w, err := model.NewWorker(ctx, model.Options{Command: mf.metricWorker, Start: mf.startTimeout, Timeout: mf.timeout, Log: log, Logger: logger})
		if err != nil {
			return fmt.Errorf("metric worker: %w", err)
		}
		defer w.Close()
		opt.Scorer = w
	}
	opt.NoFinals, opt.Inflight = ef.noFinals, ef.inflight
	if opt.Inflight <= 0 {
		opt.Inflight = runtime.GOMAXPROCS(0)
		if mf.model == "" {
			opt.Inflight = 4
		}
	}
	bar := newProgress(s.err, ef.quiet)
	opt.Progress = bar.update
	out, err := session.Run(ctx, c, m, opt)
	bar.close()
	if err != nil {
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			return fmt.Errorf("interrupted; omnieval resume %s goes on", opt.Dir)
		}
		return err
	}
	if err := report.Tables(opt.Dir); err != nil {
		return err
	}
	fmt.Fprintf(s.err, "%d units, %d of them from before, %d failed steps: %s\n", out.Units, out.Resumed, out.FailedSteps, opt.Dir)
	if out.FailedSteps > 0 {
		return cli.Failures(fmt.Errorf("%d steps failed; their status and error are in %s", out.FailedSteps, filepath.Join(opt.Dir, session.StepsFile)))
	}
	return nil
}
