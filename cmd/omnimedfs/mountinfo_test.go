package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
)

const sampleMounts = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
90 22 0:50 / /mnt/a\040b ro,nosuid,nodev,noatime - fuse.omnimedfs omnimedfs ro,user_id=0
91 22 0:51 / /mnt/other rw - fuse.sshfs host: rw
92 22 0:52 / /mnt/x ro shared:9 master:2 - fuse.omnimedfs omnimedfs ro
short line
`

func TestOurMounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mountinfo")
	if err := os.WriteFile(path, []byte(sampleMounts), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ourMounts(path)
	want := []mountPoint{{"/mnt/a b", "90"}, {"/mnt/x", "92"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestRealDir(t *testing.T) {
	base := t.TempDir()
	if err := os.Mkdir(filepath.Join(base, "real"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(base, "link")); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{"real": "real", "link": "real", "link/new": "real/new", "new": "new"} {
		got, err := realDir(filepath.Join(base, in))
		if err != nil || got != filepath.Join(base, want) {
			t.Errorf("%s: %s, %v; want %s", in, got, err, want)
		}
	}
	if got, err := realDir(filepath.Join(base, "no/where")); err == nil {
		t.Errorf("a missing parent gives %s", got)
	}
}

func TestTreePath(t *testing.T) {
	p := new(program)
	for in, want := range map[string]string{"cells": "cells", "/datasets/cells/": "datasets/cells", "datasets//cells/../cells": "datasets/cells"} {
		if got := p.treePath(in); got != want && got != want[1:] {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestFinish(t *testing.T) {
	t.Chdir("/tmp")
	o := options{Cache: "c", Recipes: []string{"r"}, Mirror: []string{"https://a/=m/", "https://b=http://c"}}
	if err := o.finish(); err != nil {
		t.Fatal(err)
	}
	if o.Cache != "/tmp/c" || o.Recipes[0] != "/tmp/r" || !slices.Equal(o.Mirror, []string{"https://a/=/tmp/m/", "https://b=http://c"}) {
		t.Errorf("got %+v", o)
	}
	for _, bad := range []string{"nothing", "=x", "x="} {
		o := options{Cache: "c", Mirror: []string{bad}}
		if err := o.finish(); cli.ExitCode(err) != cli.ExitUsage {
			t.Errorf("mirror %q: %v", bad, err)
		}
	}
}

// TestTable checks what the design promises of the option table: about 30
// settings that variables and the config file have too. What one verb alone
// takes, on its command line, is not counted.
func TestTable(t *testing.T) {
	table := new(options).table()
	settings := 0
	for _, o := range table.Options {
		if !o.Local {
			settings++
		}
	}
	if settings > 30 {
		t.Errorf("%d settings; 30 at most", settings)
	}
	seen := map[string]bool{}
	for _, o := range table.Options {
		if seen[o.Name] {
			t.Errorf("option %s is there twice", o.Name)
		}
		seen[o.Name] = true
		for _, v := range o.Verbs {
			if findVerb(v) == nil {
				t.Errorf("option %s names the verb %q", o.Name, v)
			}
		}
	}
}

// TestRespawn checks that a background process gets the same options.
func TestRespawn(t *testing.T) {
	p := new(program)
	p.table = p.opts.table()
	none := func(string) (string, bool) { return "", false }
	args := []string{"--config=/dev/null", "--cache=/c d", "--cache-limit=123456789", "--timeout=1m30s", "--mirror=a=/b", "--mirror=c=/d", "--demo", "--datasets=x*", "--nifti=nii"}
	if _, err := p.table.Load("mount", args, none); err != nil {
		t.Fatal(err)
	}
	again := new(program)
	again.table = again.opts.table()
	rest, err := again.table.Load("mount", p.respawn("/m")[1:], none)
	if err != nil || !slices.Equal(rest, []string{"/m"}) {
		t.Fatalf("rest %v, %v", rest, err)
	}
	a, b := p.opts, again.opts
	if a.Cache != b.Cache || a.CacheLimit != b.CacheLimit || a.Timeout != b.Timeout || !slices.Equal(a.Mirror, b.Mirror) ||
		!b.Demo || !slices.Equal(a.Datasets, b.Datasets) || a.NIfTI != b.NIfTI || b.CacheLimit != 123456789 {
		t.Errorf("got %+v, want %+v", b, a)
	}
}

func FuzzUnescapeOctal(f *testing.F) {
	f.Add(`/mnt/a\040b`)
	f.Add(`\`)
	f.Fuzz(func(t *testing.T, s string) {
		if got := unescapeOctal(s); len(got) > len(s) {
			t.Errorf("%q grew to %q", s, got)
		}
	})
}
