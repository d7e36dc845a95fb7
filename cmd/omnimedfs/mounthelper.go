package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
)

// Exit codes that mount(8) expects of its helpers.
const (
	mountUsage  = 1
	mountFailed = 32
)

// mountHelper is a call as mount(8) makes it:
//
//	mount.omnimedfs SPEC DIR [-sfnv] [-o OPTIONS] [-t TYPE]
//
// SPEC is any word. The helper returns when the mount answers.
type mountHelper struct{ args []string }

// asMountHelper tells such a call from the verbs: by the program's name
// (mount.omnimedfs, mount.fuse.omnimedfs), or by a first argument that is no
// verb before a folder and -o, which is how fuse3's mount.fuse runs
// "omnimedfs SPEC DIR -o OPTIONS".
func asMountHelper(argv []string) (mountHelper, bool) {
	if strings.HasPrefix(filepath.Base(argv[0]), "mount.") {
		return mountHelper{argv[1:]}, true
	}
	if len(argv) >= 4 && findVerb(argv[1]) == nil && !strings.HasPrefix(argv[1], "-") &&
		filepath.IsAbs(argv[2]) && strings.HasPrefix(argv[3], "-") {
		return mountHelper{argv[1:]}, true
	}
	return mountHelper{}, false
}

// main mounts and returns an exit code of mount(8).
func (h mountHelper) main(ctx context.Context, p *program) int {
	err := h.run(ctx, p)
	p.complain(err)
	switch cli.ExitCode(err) {
	case cli.ExitOK:
		return 0
	case cli.ExitUsage:
		return mountUsage
	}
	return mountFailed
}

func (h mountHelper) run(ctx context.Context, p *program) error {
	args, fake, err := h.parse(p)
	if err != nil {
		return cli.Usage(err)
	}
	if fake {
		return nil
	}
	rest, err := p.table.Load("mount", args, p.lookup)
	if err != nil {
		return err
	}
	p.opts.Background = true
	return p.start(ctx, findVerb("mount"), rest)
}

// parse turns mount(8)'s arguments into those of the verb mount. fake is -f:
// do all but mount.
func (h mountHelper) parse(p *program) (args []string, fake bool, err error) {
	var words []string
	for i := 0; i < len(h.args); i++ {
		a := h.args[i]
		if len(a) < 2 || a[0] != '-' {
			words = append(words, a)
			continue
		}
		for j := 1; j < len(a); j++ {
			switch a[j] {
			case 's':
				p.table.Sloppy = true
			case 'f':
				fake = true
			case 'n': // no /etc/mtab: there is none
			case 'v':
				args = append(args, "--log-level=debug")
			case 'o', 't', 'N':
				value := a[j+1:]
				if value == "" {
					if i++; i == len(h.args) {
						return nil, false, fmt.Errorf("option -%c needs a value", a[j])
					}
					value = h.args[i]
				}
				if a[j] == 'o' && value != "" {
					args = append(args, "-o", value)
				}
				j = len(a)
			default:
				return nil, false, fmt.Errorf("unknown option -%c", a[j])
			}
		}
	}
	if len(words) != 2 {
		return nil, false, errors.New("usage: mount.omnimedfs SPEC DIR [-sfnv] [-o OPTIONS]")
	}
	return append(args, "--", words[1]), fake, nil
}
