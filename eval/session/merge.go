package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Merge joins shards of one run into the folder out, in the order of the whole
// run: byte for byte what one machine would have written, whatever the order
// of dirs. It refuses shards of different runs, units that come twice and
// units that are missing.
func Merge(out string, dirs []string) (*Info, error) {
	if len(dirs) == 0 {
		return nil, fmt.Errorf("%w: nothing to merge", ErrStore)
	}
	infos := make([]*Info, len(dirs))
	for i, d := range dirs {
		info, err := ReadInfo(d)
		if err != nil {
			return nil, err
		}
		infos[i] = info
		if info.ConfigHash != infos[0].ConfigHash || info.PlanHash != infos[0].PlanHash {
			return nil, fmt.Errorf("%w %s: of another run than %s (configuration or cases differ)", ErrStore, d, dirs[0])
		}
		if info.Model != infos[0].Model {
			return nil, fmt.Errorf("%w %s: of model %q, %s is of %q", ErrStore, d, info.Model, dirs[0], infos[0].Model)
		}
	}
	whole := *infos[0]
	whole.Shard, whole.Units = "", whole.TotalUnits
	if _, err := os.Stat(filepath.Join(out, RunFile)); err == nil {
		return nil, fmt.Errorf("%w %s: already holds a run", ErrStore, out)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	order := make(map[string]int)
	for i, u := range whole.Config.Users {
		order[u] = i
	}
	steps := len(whole.Config.steps())
	for _, name := range []string{StepsFile, TimingsFile, FinalsFile} {
		perUnit := steps
		if name == FinalsFile {
			perUnit = 1
		}
		if err := mergeFile(out, dirs, name, order, whole.TotalUnits, perUnit); err != nil {
			return nil, err
		}
	}
	return &whole, whole.write(out)
}

// piece is the lines of one unit in one file.
type piece struct {
	unit  Unit
	dir   int
	off   int64
	size  int64
	lines int
}

// mergeFile copies the pieces of a file in order. Only their places are held
// in memory. A side file that no shard has is left out.
func mergeFile(out string, dirs []string, name string, order map[string]int, units, perUnit int) error {
	var pieces []piece
	files := make([]*os.File, len(dirs))
	for i, d := range dirs {
		f, err := os.Open(filepath.Join(d, name))
		if errors.Is(err, fs.ErrNotExist) && name != StepsFile {
			continue
		}
		if err != nil {
			return fmt.Errorf("%w %s: %w", ErrStore, d, err)
		}
		defer f.Close()
		files[i] = f
		if pieces, err = appendPieces(pieces, f, i); err != nil {
			return fmt.Errorf("%w %s: %s: %w", ErrStore, d, name, err)
		}
	}
	if len(pieces) == 0 && name != StepsFile {
		return nil
	}
	slices.SortStableFunc(pieces, func(a, b piece) int { return less(order, a.unit, b.unit) })
	if err := checkPieces(pieces, dirs, name, units, perUnit); err != nil {
		return err
	}
	dst, err := os.Create(filepath.Join(out, name))
	if err != nil {
		return err
	}
	for _, p := range pieces {
		buf := make([]byte, p.size)
		if _, err := files[p.dir].ReadAt(buf, p.off); err != nil {
			dst.Close()
			return err
		}
		if _, err := dst.Write(buf); err != nil {
			dst.Close()
			return err
		}
	}
	return dst.Close()
}

// appendPieces finds the runs of lines of one unit.
func appendPieces(pieces []piece, f *os.File, dir int) ([]piece, error) {
	start := int64(0)
	first := len(pieces)
	err := eachLine(f, func(line []byte, end int64) error {
		var u Unit
		if err := json.NewDecoder(bytes.NewReader(line)).Decode(&u); err != nil {
			return err
		}
		if n := len(pieces); n > first && pieces[n-1].unit == u {
			pieces[n-1].size = end - pieces[n-1].off
			pieces[n-1].lines++
		} else {
			pieces = append(pieces, piece{u, dir, start, end - start, 1})
		}
		start = end
		return nil
	})
	return pieces, err
}

func checkPieces(pieces []piece, dirs []string, name string, units, perUnit int) error {
	for i, p := range pieces {
		if i > 0 && pieces[i-1].unit == p.unit {
			return fmt.Errorf("%w: %s is both in %s and in %s", ErrStore, p.unit, dirs[pieces[i-1].dir], dirs[p.dir])
		}
		if p.lines != perUnit {
			return fmt.Errorf("%w %s: %s: %s has %d lines of %d; resume that shard first", ErrStore, dirs[p.dir], name, p.unit, p.lines, perUnit)
		}
	}
	if len(pieces) != units {
		return fmt.Errorf("%w: %s: the shards have %d units of %d; is one missing or unfinished?", ErrStore, name, len(pieces), units)
	}
	return nil
}
