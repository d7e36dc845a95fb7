package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
	"github.com/omnimedseg/omnimedfs/convertcore/recipe"
	"github.com/omnimedseg/omnimedfs/sources"
)

// recipeActions are what the verb recipe does.
var recipeActions = []struct {
	name, args, short string
	min, max          int
	run               func(ctx context.Context, p *program, args []string) error
}{
	{"lint", "FILE…", "say what is wrong in recipes", 1, -1, recipeLint},
	{"check", "ID|FILE [FOLDER]", "compare a recipe with its record, or with a folder", 1, 2, recipeCheck},
	{"record", "ID|FILE", "ask a recipe's records: list, license, first and last bytes", 1, 1, recipeRecord},
	{"new", "PLATFORM RECORD|URL|FOLDER", "print the start of a recipe by a record's file names", 1, 2, recipeNew},
	{"index", "ID [FILE]", "write the listing of a dataset's raw files, to stand beside its recipe", 1, 2, recipeIndex},
	{"values", "ID|FILE [FOLDER]", "print the values in some label files", 1, 2, recipeValues},
}

func runRecipe(ctx context.Context, p *program, args []string) error {
	for _, a := range recipeActions {
		if a.name != args[0] {
			continue
		}
		if n := len(args) - 1; n < a.min || a.max >= 0 && n > a.max {
			return cli.Usage(fmt.Errorf("usage: omnimedfs recipe %s %s", a.name, a.args))
		}
		return a.run(ctx, p, args[1:])
	}
	var lines []string
	for _, a := range recipeActions {
		lines = append(lines, fmt.Sprintf("  omnimedfs recipe %-34s %s", a.name+" "+a.args, a.short))
	}
	return cli.Usage(fmt.Errorf("unknown action %q; there are\n%s", args[0], strings.Join(lines, "\n")))
}

// recipeLint prints the problems of recipe files, one a line.
func recipeLint(_ context.Context, p *program, args []string) error {
	failed := false
	for _, name := range args {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		r, err := recipe.Parse(name, data)
		if err != nil {
			fmt.Fprintln(p.stdout, err)
			failed = true
			continue
		}
		problems := recipe.Lint(r)
		if !slices.Contains(sources.Platforms(), r.Source.Platform) && r.Source.Platform != "" {
			problems = append(problems, recipe.Problem{Where: "source.platform", Text: fmt.Sprintf("%q is none of %s", r.Source.Platform, strings.Join(sources.Platforms(), ", "))})
		}
		for _, q := range problems {
			fmt.Fprintf(p.stdout, "%s: %s\n", name, q)
			failed = true
		}
	}
	if failed {
		return cli.ErrFailures
	}
	return nil
}

// oneRecipe reads a recipe by its ID or from a file.
func oneRecipe(o *options, arg string) (*recipe.Recipe, error) {
	if strings.HasSuffix(arg, ".toml") {
		data, err := os.ReadFile(arg)
		if err != nil {
			return nil, err
		}
		return recipe.Parse(arg, data)
	}
	if err := registerDemo(); err != nil {
		return nil, err
	}
	all, err := loadRecipes(o)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.ID == arg {
			return r, nil
		}
	}
	return nil, fmt.Errorf("recipe %q: %w", arg, errNotFound)
}

// checkResult is what recipe check prints.
type checkResult struct {
	ID string `json:"id"`
	recipe.Checked
}

func recipeCheck(ctx context.Context, p *program, args []string) error {
	r, err := oneRecipe(&p.opts, args[0])
	if err != nil {
		return err
	}
	client, err := newClient(&p.opts, nil, p.log)
	if err != nil {
		return err
	}
	folder := ""
	if len(args) == 2 {
		folder = args[1]
	}
	res, err := checkRecipe(ctx, client, r, folder)
	if err = errors.Join(err, client.Close()); err != nil {
		return err
	}
	if p.opts.JSON {
		if err := printJSON(p.stdout, res); err != nil {
			return err
		}
	} else {
		printChecked(p, res)
	}
	if len(res.Mismatches) > 0 {
		return cli.ErrFailures
	}
	return nil
}

func printChecked(p *program, res *checkResult) {
	for _, m := range res.Mismatches {
		fmt.Fprintln(p.stdout, m)
	}
	state := "clean"
	if n := len(res.Mismatches); n > 0 {
		state = fmt.Sprintf("%d mismatches", n)
	}
	fmt.Fprintf(p.stdout, "%s: %s: %d cases of %d images and %d labels, %d other files\n", res.ID, state, res.Cases, res.Images, res.Labels, res.Others)
}
