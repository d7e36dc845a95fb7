package main

import (
	"context"
	"fmt"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
)

func runHelp(_ context.Context, p *program, args []string) error {
	if len(args) == 1 {
		v := findVerb(args[0])
		if v == nil {
			return cli.Usage(fmt.Errorf("unknown verb %q; see omnimedfs help", args[0]))
		}
		fresh := new(options) // so that the defaults are shown
		fmt.Fprintf(p.stdout, "usage: omnimedfs %s [options] %s\n\n%s.\n\noptions:\n%s", v.name, v.args, v.short, fresh.table().Help(v.name))
		fmt.Fprint(p.stdout, "\nEvery option but --config, --json and one-letter ones is also a variable (--cache-limit: OMNIMEDFS_CACHE_LIMIT)\nand a key of the config file (cache-limit = \"50GiB\"). A flag wins over a variable, that over the file.\n")
		return nil
	}
	fmt.Fprint(p.stdout, "omnimedfs shows open medical segmentation datasets as a folder of images and masks.\n\nverbs:\n")
	for _, v := range verbs {
		fmt.Fprintf(p.stdout, "  %-28s %s\n", v.name+" "+v.args, v.short)
	}
	fmt.Fprint(p.stdout, "\nomnimedfs help VERB prints its options.\n\nexit codes: 0 done, 1 error, 2 wrong usage, 3 finished with failures that were listed, 130 interrupted\n")
	return nil
}
