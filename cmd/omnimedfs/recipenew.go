package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	data "github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/raw"
)

// recipeNew prints the start of a recipe, made of the names of a record's files.
// What names do not tell stays empty.
func recipeNew(ctx context.Context, p *program, args []string) error {
	src, err := sourceOf(args)
	if err != nil {
		return err
	}
	client, err := newClient(&p.opts, nil, p.log)
	if err != nil {
		return err
	}
	err = startRecipe(ctx, p.stdout, client, src)
	return errors.Join(err, client.Close())
}

// sourceOf reads PLATFORM RECORD, a URL or a folder.
func sourceOf(args []string) (recipe.Source, error) {
	if len(args) == 2 {
		if !slices.Contains(sources.Platforms(), args[0]) {
			return recipe.Source{}, cli.Usage(fmt.Errorf("platform %q is none of %s", args[0], strings.Join(sources.Platforms(), ", ")))
		}
		return recipe.Source{Platform: args[0], Record: args[1]}, nil
	}
	if strings.Contains(args[0], "://") {
		name := path.Base(args[0])
		return recipe.Source{Platform: "http", Files: []recipe.SourceFile{{Name: name, URL: args[0]}}}, nil
	}
	folder, err := filepath.Abs(args[0])
	if err != nil {
		return recipe.Source{}, err
	}
	if st, err := os.Stat(folder); err != nil || !st.IsDir() {
		return recipe.Source{}, cli.Usage(fmt.Errorf("%s: neither PLATFORM RECORD, a URL nor a folder", args[0]))
	}
	return recipe.Source{Platform: "local", Record: folder}, nil
}

func startRecipe(ctx context.Context, w io.Writer, client *sources.Client, src recipe.Source) error {
	origins, err := data.Origins(ctx, client, "new", &src)
	if err != nil {
		return err
	}
	files := raw.New(raw.Options{List: raw.Origins(origins...)})
	defer files.Close()
	list, err := files.Files(ctx)
	if err != nil {
		return err
	}
	paths := make([]string, len(list))
	for i, f := range list {
		paths[i] = f.Path
	}
	license := ""
	if s, err := client.Source(src.Platform); err == nil && src.Record != "" {
		if l, ok := s.(interface {
			License(ctx context.Context, record string) (string, error)
		}); ok {
			license, _ = l.License(ctx, src.Record) // unknown stays empty
		}
	}
	_, err = io.WriteString(w, draft(src, origins, license, paths))
	return err
}

// draft is the text of a recipe.
func draft(src recipe.Source, origins []raw.Origin, license string, paths []string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	q := strconv.Quote
	line("schema = 1\nid = \"\"             # lower-case letters, digits, dots and hyphens; the file's name too")
	line("title = \"\"\nmodality = \"\"       # one of %s", strings.Join(recipe.Modalities, " "))
	dim := 2
	if slices.ContainsFunc(paths, func(p string) bool {
		return slices.Contains([]string{".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".dcm"}, strings.ToLower(extension(p)))
	}) {
		dim = 3
	}
	line("dim = %d              # guessed by the names\nanatomy = \"\"", dim)
	note := "# SPDX; where was it read? See [[evidence]]"
	if license != "" {
		note = "# as the platform's record states"
	}
	line("license = %s        %s", q(license), note)
	line("status = \"unverified\"\nmissing = \"\"        # what is not known yet\n")
	line("[citation]\ntitle = \"\"\nauthors = []\nyear = 0\n")
	line("[source]\nplatform = %s", q(src.Platform))
	if src.Record != "" {
		line("record = %s", q(src.Record))
	}
	for _, o := range origins[:min(len(origins), 30)] {
		line("\n[[source.file]]\nname = %s", q(o.Path))
		for _, f := range src.Files {
			if f.Name == o.Path && f.URL != "" {
				line("url = %s", q(f.URL))
			}
		}
		if o.Size >= 0 {
			line("size = %d", o.Size)
		}
		if strings.HasPrefix(o.Sum, "md5:") || strings.HasPrefix(o.Sum, "sha256:") {
			line("sum = %s", q(o.Sum))
		}
	}
	if len(origins) > 30 {
		line("\n# and %d files more: leave [[source.file]] out where all are needed", len(origins)-30)
	}
	draftCases(line, guessPatterns(paths), len(paths))
	line("\n[[evidence]]\nfact = \"layout\"\nsource = \"\"         # who says so: a page, a paper, a loader's code\nconfidence = \"low\"")
	return b.String()
}

// draftCases writes the patterns: the images', and the labels' that share cases
// with them.
func draftCases(line func(string, ...any), guesses []guess, files int) {
	images := slices.DeleteFunc(slices.Clone(guesses), func(g guess) bool { return g.label })
	if len(images) == 0 {
		line("\n# Of %d files none looks like an image. Without [case] the dataset shows its raw files alone.", files)
		return
	}
	im := images[0]
	line("\n[case]\nimage = %s     # guessed: %d cases", strconv.Quote(im.pattern), len(im.keys))
	if im.id != "" {
		line("id = %s", strconv.Quote(im.id))
	}
	for _, g := range images[1:] {
		line("# image files too? %s: %d, of which %d share a case", g.pattern, len(g.keys), shared(im, g))
	}
	for _, g := range guesses {
		if !g.label {
			continue
		}
		n := shared(im, g)
		if n == 0 {
			line("\n# labels? %s: %d, none shares a case", g.pattern, len(g.keys))
			continue
		}
		line("\n[[class]]\nname = \"\"           # the authors' word\nlabel = %s     # guessed: %d cases, %d of them with an image", strconv.Quote(g.pattern), len(g.keys), n)
		line("# select = {}        # which pixels? \"omnimedfs recipe values FILE\" shows what is there")
	}
	line("\n[[example]]\nraw = %s\ncase = %s", strconv.Quote(im.example), strconv.Quote(recipe.CaseID(im.key)))
}

func shared(a, b guess) (n int) {
	for k := range b.keys {
		if a.keys[k] {
			n++
		}
	}
	return n
}
