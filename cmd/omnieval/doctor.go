package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/pflag"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/session"
)

func init() {
	register("doctor", command{about: "look at what a run needs: data, Python, worker, output folder", setup: setupDoctor})
}

func setupDoctor(f *pflag.FlagSet) func(context.Context, *streams, []string) error {
	var m modelFlags
	root := f.String("data", "", "root of the standard tree to look at")
	out := f.String("out", "", "folder that a run would write to")
	m.define(f)
	return func(ctx context.Context, s *streams, args []string) error {
		if len(args) > 0 {
			return usagef("takes no arguments")
		}
		d := &doctor{s: s}
		d.say(true, "program", fmt.Sprintf("%s, %d processors", runtime.Version(), runtime.GOMAXPROCS(0)))
		d.python(ctx)
		d.shard()
		if *root != "" {
			d.data(*root)
		}
		if *out != "" {
			d.out(*out)
		}
		if m.spec() != "" {
			d.model(ctx, &m)
		}
		if d.bad > 0 {
			return fmt.Errorf("%d checks failed", d.bad)
		}
		return nil
	}
}

// doctor prints one line a check.
type doctor struct {
	s   *streams
	bad int
}

func (d *doctor) say(ok bool, what, text string) {
	mark := "ok  "
	if !ok {
		mark = "FAIL"
		d.bad++
	}
	fmt.Fprintf(d.s.out, "%s  %-8s %s\n", mark, what, text)
}

// python tells which Python a worker would get. None is no failure: workers
// may be in any language.
func (d *doctor) python(ctx context.Context) {
	out, err := exec.CommandContext(ctx, "python3", "-c", "import sys, numpy; print(sys.executable, sys.version.split()[0], 'numpy', numpy.__version__)").Output()
	if err != nil {
		d.say(true, "python", "no python3 with numpy; the Python worker would not run: "+err.Error())
		return
	}
	d.say(true, "python", string(out[:max(0, len(out)-1)]))
}

func (d *doctor) shard() {
	if s, err := session.ParseShard("auto", d.s.env); err == nil {
		d.say(true, "shard", "--shard auto is "+s.String())
	} else {
		d.say(true, "shard", "not in a SLURM array or indexed job")
	}
}

func (d *doctor) data(root string) {
	tree, err := data.Open(root)
	if err != nil {
		d.say(false, "data", err.Error())
		return
	}
	ids, err := tree.Datasets()
	if err != nil || len(ids) == 0 {
		d.say(false, "data", fmt.Sprintf("%s lists %d datasets: %v", root, len(ids), err))
		return
	}
	d.say(true, "data", fmt.Sprintf("%s lists %d datasets, the first is %s", root, len(ids), ids[0]))
}

func (d *doctor) out(dir string) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		d.say(false, "out", err.Error())
		return
	}
	f, err := os.CreateTemp(dir, ".doctor-")
	if err != nil {
		d.say(false, "out", err.Error())
		return
	}
	f.Close()
	os.Remove(f.Name())
	if info, err := session.ReadInfo(dir); err == nil {
		d.say(true, "out", fmt.Sprintf("%s holds a run of %d units", dir, info.Units))
		return
	}
	d.say(true, "out", dir+" can be written")
}

// model starts the model and lets it predict once on a made-up disc.
func (d *doctor) model(ctx context.Context, m *modelFlags) {
	opened, err := m.open(ctx, d.s.err, nil)
	if err != nil {
		d.say(false, "model", err.Error())
		return
	}
	defer opened.Close()
	dir, err := os.MkdirTemp("", "omnieval-doctor-")
	if err != nil {
		d.say(false, "model", err.Error())
		return
	}
	defer os.RemoveAll(dir)
	c := session.Default()
	c.Steps, c.Model = 2, m.spec()
	out := &session.Outcome{}
	if err = discs(dir, 1); err == nil {
		out, err = session.Run(ctx, &c, opened, session.Options{Data: dir, Dir: dir + "/run", Inflight: 1})
	}
	if err != nil {
		d.say(false, "model", err.Error())
		return
	}
	var trouble string
	_ = session.Records(dir+"/run", func(r *session.Record) error {
		if r.Error != "" && trouble == "" {
			trouble = r.Status + ": " + r.Error
		}
		return nil
	})
	d.say(out.FailedSteps == 0, "model", fmt.Sprintf("%s, %d of 2 steps failed %s", opened.Name(), out.FailedSteps, trouble))
}
