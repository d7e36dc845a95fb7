package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/format"
	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
)

// valueFiles is how many files of each label pattern are looked into.
const valueFiles = 3

// recipeValues prints the values in the first files of every label pattern.
// What they mean is not in the files.
func recipeValues(ctx context.Context, p *program, args []string) error {
	r, err := oneRecipe(&p.opts, args[0])
	if err != nil {
		return err
	}
	client, err := newClient(&p.opts, nil, p.log)
	if err != nil {
		return err
	}
	defer client.Close()
	var v *rawView
	if len(args) == 2 {
		v, _, err = localView(ctx, client, r, args[1])
	} else {
		v, _, err = recordView(ctx, client, r)
	}
	if err != nil {
		return err
	}
	defer v.Close()
	return printValues(ctx, p, r, v)
}

func printValues(ctx context.Context, p *program, r *recipe.Recipe, v *rawView) error {
	var done []string
	var failed error
	for _, c := range r.Classes {
		for _, src := range c.Label {
			if slices.Contains(done, src) {
				continue
			}
			done = append(done, src)
			pattern, err := recipe.Compile(src)
			if err != nil {
				return err
			}
			fmt.Fprintln(p.stdout, src)
			n := 0
			for _, f := range v.list {
				if n == valueFiles || !pattern.Match(f.Path, make([]string, len(pattern.Names()))) {
					continue
				}
				n++
				text, err := valuesOf(ctx, v, f.Path)
				if err != nil {
					failed = errors.Join(failed, fmt.Errorf("%s: %w", f.Path, err))
					continue
				}
				fmt.Fprintf(p.stdout, "  %s: %s\n", f.Path, text)
			}
			if n == 0 {
				fmt.Fprintln(p.stdout, "  no file matches")
			}
		}
	}
	return failed
}

// valuesOf lists the values of a file's samples with their counts, the most
// frequent first.
func valuesOf(ctx context.Context, v *rawView, name string) (string, error) {
	f, err := format.Detect(ctx, v, name)
	if err != nil {
		return "", err
	}
	im, err := f.Decode(ctx, v, []string{name})
	if err != nil {
		return "", err
	}
	counts := map[string]int{}
	h := im.Header()
	size := h.Channels * h.Elem()
	data := im.Payload()
	for i := 0; i+size <= len(data); i += size {
		if counts[string(data[i:i+size])]++; len(counts) > 1<<16 {
			return "more than 65536 values", nil
		}
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return counts[b] - counts[a] })
	var out []string
	for _, k := range keys[:min(len(keys), 40)] {
		out = append(out, fmt.Sprintf("%s × %d", sampleText(h, []byte(k)), counts[k]))
	}
	if len(keys) > 40 {
		out = append(out, fmt.Sprintf("and %d values more", len(keys)-40))
	}
	return strings.Join(out, ", "), nil
}

// sampleText is one pixel for people: a number, or a color.
func sampleText(h convertcore.Header, px []byte) string {
	if h.Channels > 1 && h.Bits == 8 {
		return fmt.Sprintf("#%x", px)
	}
	var u uint64
	for i, b := range px {
		if h.Form == convertcore.PNG { // big-endian
			u = u<<8 | uint64(b)
		} else {
			u |= uint64(b) << (8 * i)
		}
	}
	switch {
	case h.Float:
		return floatText(h.Bits, u)
	case h.Signed:
		return fmt.Sprint(int64(u<<(64-h.Bits)) >> (64 - h.Bits))
	}
	return fmt.Sprint(u)
}

func floatText(bits int, u uint64) string {
	if bits == 32 {
		return fmt.Sprint(math.Float32frombits(uint32(u)))
	}
	return fmt.Sprint(math.Float64frombits(u))
}
