package model

import (
	"archive/zip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/robot"
)

// npzModel calls an entry of the CVPR 2025 interactive 3-D challenge: for every
// step it writes ./inputs/<case>.npz (imgs, spacing, boxes, clicks,
// clicks_order, prev_pred), runs the command in that folder and reads
// ./outputs/<case>.npz (segs). Arrays are (z, y, x) and intensities scaled to
// 0..255, as the challenge gives them; prompts are mirrored to that order.
type npzModel struct{ opt Options }

// NewNPZ returns the adapter. The command runs once a step.
func NewNPZ(opt Options) (Model, error) {
	if opt.Command == "" {
		return nil, errors.New("model npz: no command")
	}
	if opt.Timeout == 0 {
		opt.Timeout = DefaultTimeout
	}
	return npzModel{opt}, nil
}

func (m npzModel) Name() string { return "npz" }
func (m npzModel) Close() error { return nil }

func (m npzModel) Open(_ context.Context, c *Case) (Session, error) {
	im, err := c.Load()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "omnieval-npz-")
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"inputs", "outputs"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	return &npzSession{m, c, im, dir}, nil
}

type npzSession struct {
	m   npzModel
	c   *Case
	im  *data.Image
	dir string
}

func (s *npzSession) Close() error { return os.RemoveAll(s.dir) }

// file is the case's file in a sub-folder; ids are safe as names.
func (s *npzSession) file(sub string) string { return filepath.Join(s.dir, sub, s.c.Case+".npz") }

func (s *npzSession) Step(ctx context.Context, st *Step) (Result, error) {
	if err := s.write(st); err != nil {
		return Result{}, err
	}
	if err := os.Remove(s.file("outputs")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Result{}, err
	}
	began := time.Now()
	if err := s.call(ctx); err != nil {
		return Result{}, err
	}
	took := float64(time.Since(began).Microseconds()) / 1000
	out, err := s.read()
	if err != nil {
		return Result{}, failure(StatusBadResult, "%w", err)
	}
	return Result{Mask: out, ModelMS: took}, nil
}

// call runs the command once.
func (s *npzSession) call(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, s.m.opt.Timeout)
	defer cancel()
	cmd := exec.CommandContext(limited, "/bin/sh", "-c", s.m.opt.Command)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, s.m.opt.Log, s.m.opt.Log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = closeGrace
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return failure(StatusTimeout, "no answer within %s", s.m.opt.Timeout)
	case err != nil:
		return failure(StatusCrash, "command: %w", err)
	}
	return nil
}

// mirror turns (i, j, k) to (k, j, i), and (row, column) to (0, row, column):
// the challenge's axes.
func (s *npzSession) mirror(p robot.Point) []any {
	if len(p) == 2 {
		return []any{0, p[0], p[1]}
	}
	return []any{p[2], p[1], p[0]}
}

// shape is the challenge's shape of the case.
func (s *npzSession) shape() []int {
	d := s.c.Dims
	if len(d) == 2 {
		return []int{1, d[0], d[1]}
	}
	return []int{d[2], d[1], d[0]}
}

// order is the memory order of a mask as the challenge lays it out.
func (s *npzSession) order() mask.Order {
	if len(s.c.Dims) == 2 {
		return mask.COrder
	}
	return mask.FortranOrder
}

func (s *npzSession) write(st *Step) error {
	f, err := os.Create(s.file("inputs"))
	if err != nil {
		return err
	}
	defer f.Close()
	z := zip.NewWriter(f)
	add := func(name, descr string, shape []int, raw []byte) {
		var w io.Writer
		if err == nil {
			w, err = z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
		}
		if err == nil {
			err = data.WriteNPY(w, descr, shape, raw)
		}
	}
	objects := func(name string, items []any) {
		var w io.Writer
		if err == nil {
			w, err = z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
		}
		if err == nil {
			err = writeObjects(w, items)
		}
	}
	add("imgs", "|u1", s.shape(), s.bytes())
	add("spacing", "<f8", []int{3}, s.spacing())
	previous := st.Previous
	if previous == nil {
		if previous, err = s.c.Empty(); err != nil {
			return err
		}
	}
	add("prev_pred", "|u1", s.shape(), previous.AppendBytes(nil, 1, s.order()))
	boxes, clicks, kinds := s.prompts(st.All)
	if len(boxes) > 0 {
		objects("boxes", boxes)
	}
	objects("clicks", []any{clicks})
	objects("clicks_order", []any{kinds})
	if err != nil {
		return err
	}
	return errors.Join(z.Close(), f.Close())
}

// prompts returns the boxes, the clicks as {fg, bg} and their order.
func (s *npzSession) prompts(all []robot.Prompt) (boxes []any, clicks []pair, kinds []any) {
	names := [2]string{"bg", "fg"}
	points := [2][]any{{}, {}}
	kinds = []any{}
	for _, p := range all {
		if p.Kind == robot.Box {
			lo, hi := s.mirror(p.Box.Min), s.mirror(p.Box.MaxInclusive)
			boxes = append(boxes, []pair{{"z_min", lo[0]}, {"z_max", hi[0]}, {"z_mid", (lo[0].(int) + hi[0].(int)) / 2},
				{"z_mid_y_min", lo[1]}, {"z_mid_x_min", lo[2]}, {"z_mid_y_max", hi[1]}, {"z_mid_x_max", hi[2]}})
			continue
		}
		for i, c := range p.Points {
			if i < len(p.Labels) {
				label := p.Labels[i] & 1
				points[label] = append(points[label], s.mirror(c))
				kinds = append(kinds, names[label])
			}
		}
	}
	return boxes, []pair{{"fg", points[1]}, {"bg", points[0]}}, kinds
}

func (s *npzSession) spacing() []byte {
	sp := s.c.Spacing
	three := []float64{1, 1, 1}
	if len(sp) == 2 {
		three[1], three[2] = sp[0], sp[1]
	} else {
		three = []float64{sp[2], sp[1], sp[0]}
	}
	var raw []byte
	for _, v := range three {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
	}
	return raw
}

// bytes scales the intensities between the 0.5th and 99.5th percentile to
// 0..255, in the challenge's order.
func (s *npzSession) bytes() []byte {
	lo, hi := s.im.Percentile(0.5), s.im.Percentile(99.5)
	scale := 255 / math.Max(hi-lo, 1e-12)
	out := make([]byte, 0, s.im.Voxels())
	d := s.shape()
	for z := range d[0] {
		for y := range d[1] {
			for x := range d[2] {
				p := mask.Point{x, y, z}
				if len(s.c.Dims) == 2 {
					p = mask.Point{0, y, x}
				}
				v := (s.im.At(p) - lo) * scale
				out = append(out, byte(math.Round(math.Min(math.Max(v, 0), 255))))
			}
		}
	}
	return out
}

// read takes the array "segs" of the output; what is not zero is the class.
func (s *npzSession) read() (*mask.Mask, error) {
	z, err := zip.OpenReader(s.file("outputs"))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	f, err := z.Open("segs.npy")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	im, err := data.ReadNPY(f)
	if err != nil {
		return nil, err
	}
	want := strings.Trim(fmt.Sprint(s.shape()), "[]")
	if got := strings.Trim(fmt.Sprint(im.Dims), "[]"); got != want && "1 "+got != want {
		return nil, fmt.Errorf("segs of shape (%s), want (%s)", got, want)
	}
	seg, err := im.Mask(nil)
	if err != nil {
		return nil, err
	}
	return mask.FromBytes(s.c.Dims, s.c.Spacing, seg.AppendBytes(nil, 1, mask.COrder), s.order())
}
