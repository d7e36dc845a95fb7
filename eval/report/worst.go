package report

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"math"
	"sort"

	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/robot"
	"github.com/omnimedseg/omnimedfs/eval/session"
)

// worstCount is how many cases the report shows.
const worstCount = 12

// worst is a unit to look at.
type worst struct {
	Unit    session.Unit
	Final   float64
	Status  string
	Picture []byte // PNG; nil where there is none
	Name    string // of the picture
	Missing string // why there is none
}

// worstCases ranks the units by the final value of the main metric, failures
// and undefined values first, each case and class once.
func (r *Run) worstCases() []worst {
	m := r.main()
	value := func(u *unit) float64 {
		v := u.filled[m].Final()
		if math.IsNaN(v) {
			return math.Inf(-1)
		}
		if r.lower[m] {
			return -v
		}
		return v
	}
	order := make([]*unit, len(r.units))
	for i := range r.units {
		order[i] = &r.units[i]
	}
	sort.SliceStable(order, func(i, j int) bool { return value(order[i]) < value(order[j]) })
	var out []worst
	seen := make(map[[3]string]bool)
	for _, u := range order {
		k := [3]string{u.Dataset, u.Case, u.Class}
		if seen[k] {
			continue
		}
		seen[k] = true
		if out = append(out, worst{Unit: u.Unit, Final: u.filled[m].Final(), Status: u.status}); len(out) == worstCount {
			break
		}
	}
	return out
}

// drawWorst adds the pictures: the final prediction and all prompts on the
// image. Without the data or the final masks it says so.
func (r *Run) drawWorst(ctx context.Context, list []worst, root string) error {
	at := make(map[session.Unit]int, len(list))
	for i, w := range list {
		at[w.Unit] = i
		list[i].Missing = "the run kept no final masks"
		list[i].Name = fmt.Sprintf("worst-%02d.png", i+1)
	}
	prompts := make(map[session.Unit][]robot.Prompt)
	if err := session.Records(r.Dir, func(rec *session.Record) error {
		if _, ok := at[rec.Unit]; ok {
			prompts[rec.Unit] = append(prompts[rec.Unit], rec.Prompts...)
		}
		return nil
	}); err != nil {
		return err
	}
	return session.Finals(r.Dir, func(f *session.Final) error {
		i, ok := at[f.Unit]
		if !ok {
			return nil
		}
		picture, err := drawOne(ctx, root, f, prompts[f.Unit])
		list[i].Picture, list[i].Missing = picture, ""
		if err != nil {
			list[i].Missing = err.Error()
		}
		return ctx.Err()
	})
}

func drawOne(ctx context.Context, root string, f *session.Final, prompts []robot.Prompt) ([]byte, error) {
	tree, err := data.Open(root)
	if err != nil {
		return nil, err
	}
	d, err := tree.Dataset(f.Dataset)
	if err != nil {
		return nil, err
	}
	i := sort.Search(len(d.Cases), func(i int) bool { return d.Cases[i].ID >= f.Case })
	if i == len(d.Cases) || d.Cases[i].ID != f.Case {
		return nil, fmt.Errorf("case %s is not in %s", f.Case, root)
	}
	c := d.Cases[i]
	v := View{Prompts: prompts}
	if v.Truth, err = data.ReadMask(ctx, c.Labels[f.Class], nil); err != nil {
		return nil, err
	}
	v.Pred = new(mask.Mask)
	v.Pred.ResetLike(v.Truth)
	if err := f.Decode(v.Pred); err != nil {
		return nil, err
	}
	if len(c.Images) > 0 {
		if im, err := data.Read(ctx, c.Images[0]); err == nil && fmt.Sprint(im.Dims) == fmt.Sprint(v.Truth.Dims()) {
			v.Image = im
		}
	}
	var buf bytes.Buffer
	err = png.Encode(&buf, Overlay(v))
	return buf.Bytes(), err
}
