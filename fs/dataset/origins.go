package dataset

import (
	"context"
	"fmt"
	"slices"

	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/fetch"
	"github.com/omnimedseg/omnimedfs/sources/raw"
)

// Origins are the raw files that a recipe asks for: those with a URL of their
// own as they are, the others as the platform of their record lists them. A
// record is listed once.
func Origins(ctx context.Context, client *sources.Client, id string, src *recipe.Source) ([]raw.Origin, error) {
	return origins(ctx, client, id, src, func(ctx context.Context, platform, record string) ([]sources.File, error) {
		return ask(ctx, client, platform, record)
	}, nil)
}

// origins is Origins with a listing of the caller's. before, if there is one,
// is called at each opening and may refuse it.
func origins(ctx context.Context, client *sources.Client, id string, src *recipe.Source,
	list func(ctx context.Context, platform, record string) ([]sources.File, error), before func(context.Context) error) ([]raw.Origin, error) {
	want := src.Files
	if len(want) == 0 {
		want = []recipe.SourceFile{{}}
	}
	type place struct{ platform, record string }
	lists := map[place][]sources.File{}
	var out []raw.Origin
	for i := range want {
		w := &want[i]
		platform, record := src.Place(w)
		at := place{platform, record}
		if _, ok := lists[at]; !ok && w.URL == "" {
			var err error
			if lists[at], err = list(fetch.WithOrigin(ctx, platform, id), platform, record); err != nil {
				return nil, err
			}
		}
		files := lists[at]
		if len(src.Files) > 0 {
			var err error
			if files, err = pick(w, files); err != nil {
				return nil, err
			}
		}
		open := func(ctx context.Context, o raw.Origin) (blob.Blob, error) {
			if before != nil {
				if err := before(ctx); err != nil {
					return nil, err
				}
			}
			return client.Open(fetch.WithOrigin(ctx, platform, id), platform, sources.File{Info: o.Info, URL: o.URL})
		}
		out = slices.Grow(out, len(files))
		for _, f := range files {
			out = append(out, raw.Origin{Info: f.Info, URL: f.URL, Open: open})
		}
	}
	return out, nil
}

// pick returns the files that one entry of the recipe names. What the platform
// says of size and checksum holds where the recipe says nothing.
func pick(w *recipe.SourceFile, have []sources.File) (out []sources.File, err error) {
	if w.URL != "" {
		size := w.Size
		if size == 0 {
			size = -1
		}
		return []sources.File{{Info: blob.Info{Path: w.Name, Size: size, Sum: w.Sum}, URL: w.URL}}, nil
	}
	for _, h := range have {
		if !w.Matches(h.Path) {
			continue
		}
		if w.Sum != "" {
			h.Sum = w.Sum
		}
		out = append(out, h)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the record has no file %q: %w", w.Name, sources.ErrGone)
	}
	return out, nil
}
