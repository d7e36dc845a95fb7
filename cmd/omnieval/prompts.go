package main

import (
	"context"
	"errors"
	"fmt"
	"image/png"
	"os"

	"github.com/spf13/pflag"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
	"github.com/omnimedseg/omnimedfs/eval/data"
	"github.com/omnimedseg/omnimedfs/eval/mask"
	"github.com/omnimedseg/omnimedfs/eval/report"
	"github.com/omnimedseg/omnimedfs/eval/robot"
)

func init() {
	register("prompts", command{args: "MASK", about: "let robot users prompt on a mask, as JSON and as a picture", setup: setupPrompts})
}

type promptsFlags struct {
	pred, image, preview, eligibility, spacing string
	users                                      []string
	seed                                       uint64
	count                                      int
	json                                       bool
}

func setupPrompts(f *pflag.FlagSet) func(context.Context, *streams, []string) error {
	var p promptsFlags
	f.StringArrayVar(&p.users, "user", []string{"click:largest:center"}, "robot user (omnieval users lists them), or all; may be repeated")
	f.StringVar(&p.pred, "pred", "", "prediction that the user looks at (default an empty one)")
	f.StringVar(&p.image, "image", "", "image, for expressions over I and for the preview")
	f.StringVar(&p.eligibility, "eligibility", "error", "where to point: a mask's name or an expression over I, L, Y")
	f.StringVar(&p.spacing, "spacing", "", "mm a voxel in array-axis order; replaces what the mask says")
	f.Uint64Var(&p.seed, "seed", 0, "seed of the random numbers")
	f.IntVar(&p.count, "count", 1, "prompts of each user, each with random numbers of its own")
	f.BoolVar(&p.json, "json", false, "print JSON: one prompt (null where there is nothing to point at), or a list of several")
	f.StringVar(&p.preview, "preview", "", "write a PNG with the prompts drawn on mask or image, one tile a user")
	return func(ctx context.Context, s *streams, args []string) error {
		if len(args) != 1 {
			return usagef("wants one MASK, has %d arguments", len(args))
		}
		return p.run(ctx, s, args[0])
	}
}

func (p *promptsFlags) run(ctx context.Context, s *streams, path string) error {
	view, err := p.load(ctx, path)
	if err != nil {
		return err
	}
	scene, err := p.scene(view)
	if err != nil {
		return err
	}
	names, drawn, err := p.draw(scene)
	if err != nil {
		return err
	}
	if p.preview != "" {
		if err := writePNG(p.preview, p.tiles(view, names, drawn)); err != nil {
			return err
		}
	}
	if p.json && len(drawn) == 1 {
		return printJSON(s.out, drawn[0])
	}
	if p.json {
		return printJSON(s.out, drawn)
	}
	for _, d := range drawn {
		if d == nil {
			fmt.Fprintln(s.out, "nothing to point at")
			continue
		}
		fmt.Fprintf(s.out, "%s %v", d.User, d.Points)
		if len(d.Labels) > 0 {
			fmt.Fprintf(s.out, " labels %v", d.Labels)
		}
		fmt.Fprintln(s.out)
	}
	return nil
}

// load reads the files that the flags name.
func (p *promptsFlags) load(ctx context.Context, path string) (*report.View, error) {
	spacing, err := parseSpacing(p.spacing)
	if err != nil {
		return nil, err
	}
	v := &report.View{}
	if v.Truth, err = data.ReadMask(ctx, path, spacing); err != nil {
		return nil, err
	}
	if p.pred != "" {
		if v.Pred, err = data.ReadMask(ctx, p.pred, v.Truth.Spacing()); err != nil {
			return nil, err
		}
	}
	if p.image != "" {
		if v.Image, err = data.Read(ctx, p.image); err != nil {
			return nil, err
		}
		if fmt.Sprint(v.Image.Dims) != fmt.Sprint(v.Truth.Dims()) {
			return nil, fmt.Errorf("image has shape %v, the mask %v", v.Image.Dims, v.Truth.Dims())
		}
	}
	return v, nil
}

func (p *promptsFlags) scene(v *report.View) (*robot.Scene, error) {
	e, err := robot.ParseEligibility(p.eligibility)
	if err != nil {
		return nil, cli.Usage(err)
	}
	pred := v.Pred
	if pred == nil {
		pred = v.Truth.Like()
	}
	if !mask.SameGrid(pred, v.Truth) {
		return nil, fmt.Errorf("prediction has shape %v, the mask %v", pred.Dims(), v.Truth.Dims())
	}
	var im robot.Intensity
	if v.Image != nil {
		im = v.Image
	}
	region, err := e.Region(im, v.Truth, pred)
	if err != nil {
		return nil, err
	}
	return &robot.Scene{Region: region, Truth: v.Truth}, nil
}

// allUsers stands for every registered user that draws in the mask's
// dimensions.
const allUsers = "all"

// draw lets every user prompt, --count times each; nil where there is nothing
// to point at. The names are of the users, in order.
func (p *promptsFlags) draw(scene *robot.Scene) (names []string, drawn []*robot.Prompt, err error) {
	for _, name := range splitUsers(p.users) {
		if name != allUsers {
			if names, drawn, err = p.drawOne(scene, name, names, drawn); err != nil {
				return nil, nil, err
			}
			continue
		}
		for _, name := range robot.Names() {
			n, d, err := p.drawOne(scene, name, names, drawn)
			if errors.Is(err, robot.ErrDims) {
				continue
			}
			if err != nil {
				return nil, nil, err
			}
			names, drawn = n, d
		}
	}
	return names, drawn, nil
}

// drawOne appends to names and drawn what one user gives.
func (p *promptsFlags) drawOne(scene *robot.Scene, name string, names []string, drawn []*robot.Prompt) ([]string, []*robot.Prompt, error) {
	u, err := robot.Parse(name)
	if err != nil {
		return nil, nil, cli.Usage(err)
	}
	for i := range p.count {
		prompt, ok, err := u.Prompt(scene, robot.Key{Seed: p.seed, User: u.Name(), Step: i}.Rand())
		switch {
		case err != nil:
			return nil, nil, err
		case ok:
			drawn = append(drawn, &prompt)
		default:
			drawn = append(drawn, nil)
		}
	}
	return append(names, u.Name()), drawn, nil
}

// tiles are the pictures of the preview.
func (p *promptsFlags) tiles(view *report.View, names []string, drawn []*robot.Prompt) []report.View {
	tiles := make([]report.View, len(names))
	for i, name := range names {
		tiles[i] = *view
		tiles[i].Caption = name
		for _, d := range drawn[i*p.count : (i+1)*p.count] {
			if d != nil {
				tiles[i].Prompts = append(tiles[i].Prompts, *d)
			}
		}
		if len(tiles[i].Prompts) == 0 {
			tiles[i].Caption += ": nothing to point at"
		}
	}
	return tiles
}

func writePNG(path string, tiles []report.View) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(f, report.Sheet(tiles)); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
