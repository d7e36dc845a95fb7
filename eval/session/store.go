package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Names of the files of a run.
const (
	RunFile     = "run.json"
	StepsFile   = "steps.jsonl"
	TimingsFile = "timings.jsonl"
	FinalsFile  = "finals.jsonl"
)

// formatVersion is that of the files of a run.
const formatVersion = 1

// ErrStore marks a run folder that does not hold what is expected.
var ErrStore = errors.New("run folder")

// Info is run.json: what is run. It says nothing of when or how fast.
type Info struct {
	Format     int    `json:"format"`
	Config     Config `json:"config"`
	ConfigHash string `json:"config_hash"`
	PlanHash   string `json:"plan_hash"`
	Data       string `json:"data"`  // where the data was
	Model      string `json:"model"` // the model's own name
	Shard      string `json:"shard,omitempty"`
	Units      int    `json:"units"`       // of this shard
	TotalUnits int    `json:"total_units"` // of all shards
}

// ReadInfo reads the run.json of a folder.
func ReadInfo(dir string) (*Info, error) {
	text, err := os.ReadFile(filepath.Join(dir, RunFile))
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrStore, dir, err)
	}
	info := new(Info)
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(info); err != nil {
		return nil, fmt.Errorf("%w %s: %s: %w", ErrStore, dir, RunFile, err)
	}
	if info.Format != formatVersion {
		return nil, fmt.Errorf("%w %s: format %d, this program reads %d", ErrStore, dir, info.Format, formatVersion)
	}
	if info.ConfigHash != info.Config.Hash() {
		return nil, fmt.Errorf("%w %s: the configuration in %s was edited", ErrStore, dir, RunFile)
	}
	return info, nil
}

func (i *Info) write(dir string) error {
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(dir, RunFile), append(text, '\n'))
}

// writeWhole replaces a file all or nothing.
func writeWhole(path string, content []byte) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, content, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// Records calls f for every record of a run, in order.
func Records(dir string, f func(*Record) error) error { return each(dir, StepsFile, f) }

// Timings calls f for every timing of a run. A run without them has none.
func Timings(dir string, f func(*Timing) error) error { return optional(each(dir, TimingsFile, f)) }

// Finals calls f for every final mask of a run. A run without them has none.
func Finals(dir string, f func(*Final) error) error { return optional(each(dir, FinalsFile, f)) }

func optional(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func each[T any](dir, name string, f func(*T) error) error {
	file, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer file.Close()
	return eachLine(file, func(line []byte, end int64) error {
		v := new(T)
		if err := json.Unmarshal(line, v); err != nil {
			return fmt.Errorf("%s/%s: line that ends at byte %d: %w", dir, name, end, err)
		}
		return f(v)
	})
}

// output is the open files of a run.
type output struct{ steps, timings, finals, lock *os.File }

// lockFile keeps two processes from writing one run.
const lockFile = ".lock"

func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w %s: another process is writing it", ErrStore, dir)
	}
	return f, nil
}

// openOutput opens a run folder for appending and returns how many units of
// the plan it already has. A last unit that was cut short is cut off.
func openOutput(dir string, plan *Plan, c *Config) (*output, int, error) {
	out := new(output)
	var err error
	if out.lock, err = lock(dir); err != nil {
		return nil, 0, err
	}
	done, end, err := finished(filepath.Join(dir, StepsFile), plan, len(c.steps()))
	if err != nil {
		return nil, 0, err
	}
	keep := make(map[Unit]bool, done)
	n := 0
	for _, job := range plan.Jobs {
		for _, u := range job.Units {
			if n < done {
				keep[u] = true
			}
			n++
		}
	}
	for _, name := range []string{TimingsFile, FinalsFile} {
		if err := trim(filepath.Join(dir, name), keep); err != nil {
			return nil, 0, err
		}
	}
	for name, f := range map[string]**os.File{StepsFile: &out.steps, TimingsFile: &out.timings, FinalsFile: &out.finals} {
		if *f, err = os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644); err != nil {
			return nil, 0, err
		}
	}
	if err := out.steps.Truncate(end); err != nil {
		return nil, 0, err
	}
	return out, done, nil
}

// finished reads which units a steps file has whole: how many, as they must be
// the first of the plan, and where they end.
func finished(path string, plan *Plan, perUnit int) (done int, end int64, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	units := plan.list()
	lines := 0
	err = eachLine(f, func(line []byte, at int64) error {
		var r Record
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("%w: %s: line that ends at byte %d: %w", ErrStore, path, at, err)
		}
		if i := lines / perUnit; i >= len(units) || r.Unit != units[i] {
			return fmt.Errorf("%w: %s: %s does not belong there; was the data changed?", ErrStore, path, r.Unit)
		}
		lines++
		if lines%perUnit == 0 {
			done, end = lines/perUnit, at
		}
		return nil
	})
	return done, end, err
}

func (p *Plan) list() []Unit {
	units := make([]Unit, 0, p.Units)
	for _, j := range p.Jobs {
		units = append(units, j.Units...)
	}
	return units
}

// trim drops the lines of a side file whose units are not finished: they are
// written before the unit's records and will come again.
func trim(path string, keep map[Unit]bool) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	tmp, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	defer tmp.Close()
	w := io.Writer(tmp)
	err = eachLine(f, func(line []byte, _ int64) error {
		var u Unit
		if json.Unmarshal(line, &u) != nil || !keep[u] {
			return nil
		}
		_, err := w.Write(line)
		return err
	})
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// write appends a finished unit: the records last, as they say that it is.
func (o *output) write(b *block) error {
	for _, w := range []struct {
		f    *os.File
		data []byte
	}{{o.timings, b.timings}, {o.finals, b.finals}, {o.steps, b.steps}} {
		if len(w.data) == 0 {
			continue
		}
		if _, err := w.f.Write(w.data); err != nil {
			return err
		}
	}
	return nil
}

func (o *output) close() error {
	return errors.Join(o.steps.Close(), o.timings.Close(), o.finals.Close(), o.lock.Close())
}
