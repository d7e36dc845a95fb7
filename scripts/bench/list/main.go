// Command list measures how long listing takes on the mount and on an ordinary
// folder with the same names, in one run on one machine: ratios are what counts.
//
//	go run ./scripts/bench/list -files 35000 -folders 1
//	go run ./scripts/bench/list -files 35000 -folders 29   # a million; 30 minutes
//
// It wants root: the mount is made without fusermount3 and the cold figures
// drop the kernel's caches.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/omnimedseg/omnimedfs/fs"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

var (
	files   = flag.Int("files", 35000, "files a folder")
	folders = flag.Int("folders", 1, "folders")
	rounds  = flag.Int("rounds", 3, "rounds; the median is reported")
	work    = flag.String("work", ".", "where the ordinary folders are made, on the disk to compare with")
	only    = flag.String("only", "", "measure only this command")
	serve   = flag.Bool("serve", false, "mount at the argument and wait (what the measurement runs)")
	keep    = flag.Bool("keep", false, "keep the ordinary folders for the next run")
)

// numbered is a folder of files whose sizes are known, named like real cases.
type numbered struct {
	names *tree.Names
	mtime time.Time
}

func (d *numbered) ModTime() time.Time         { return d.mtime }
func (d *numbered) Load(context.Context) error { return nil }
func (d *numbered) Len() int                   { return d.names.Len() }
func (d *numbered) Total() int                 { return d.names.Len() }
func (d *numbered) Entry(i int) tree.Entry {
	return tree.Entry{Name: d.names.At(i), Kind: tree.KindFile}
}
func (d *numbered) Find(name string) (int, bool) { return d.names.Find(name) }
func (d *numbered) Child(i int) tree.Node        { return file{d.mtime, int64(i)} }

type file struct {
	mtime time.Time
	size  int64
}

func (f file) ModTime() time.Time                  { return f.mtime }
func (f file) KnownSize() (int64, bool)            { return f.size, true }
func (f file) Size(context.Context) (int64, error) { return f.size, nil }
func (f file) Open(context.Context) (blob.Blob, error) {
	return blob.Bytes(make([]byte, f.size)), nil
}

func name(i int) string { return fmt.Sprintf("case_%08d_slice_%03d.png", i/100, i%100) }

func main() {
	log.SetFlags(0)
	flag.Parse()
	if *serve {
		check(serveAt(flag.Arg(0)))
		return
	}
	check(measure())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func serveAt(dir string) error {
	mtime := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	var b tree.NamesBuilder
	for i := range *files {
		check(b.Add(name(i)))
	}
	names := b.Names()
	var children []tree.Child
	for k := range *folders {
		children = append(children, tree.Child{Name: fmt.Sprintf("d%02d", k), Node: &numbered{names, mtime}})
	}
	s, err := fs.Mount(context.Background(), dir, tree.Static(mtime, children...), fs.Options{
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin) // until the parent is done
	fmt.Fprintf(os.Stderr, "counters %+v\n", s.Counters())
	return s.Unmount(context.Background())
}

func measure() error {
	base, err := filepath.Abs(filepath.Join(*work, "omnimedfs-list-bench"))
	check(err)
	plain, mnt := filepath.Join(base, "ext4"), filepath.Join(base, "mnt")
	if !*keep {
		defer os.RemoveAll(base)
	}
	check(makePlain(plain))

	self, err := os.Executable()
	check(err)
	check(os.MkdirAll(base, 0o755))
	daemon := exec.Command(self, "-serve", "-files", fmt.Sprint(*files), "-folders", fmt.Sprint(*folders), mnt)
	stdin, err := daemon.StdinPipe()
	check(err)
	stdout, err := daemon.StdoutPipe()
	check(err)
	daemon.Stderr = os.Stderr
	check(daemon.Start())
	if _, err := stdout.Read(make([]byte, 16)); err != nil {
		return fmt.Errorf("the mount did not come up: %w", err)
	}
	fmt.Printf("%d folders of %d files, median of %d\n", *folders, *files, *rounds)
	fmt.Printf("%-22s %10s %10s %7s   %10s %10s %7s\n", "", "ext4 cold", "mount", "ratio", "ext4 warm", "mount", "ratio")
	fmt.Printf("resident before: %d kB\n", resident(daemon.Process.Pid))
	for _, c := range commands() {
		if *only != "" && c.name != *only {
			continue
		}
		var pc, pw, mc, mw []time.Duration
		for range *rounds { // by turns, so that other load on the machine meets both
			dropCaches()
			pc, pw = append(pc, c.once(plain)), append(pw, c.once(plain))
			dropCaches()
			mc, mw = append(mc, c.once(mnt)), append(mw, c.once(mnt))
		}
		fmt.Printf("%-22s %8.0fms %8.0fms %7.2f   %8.0fms %8.0fms %7.2f\n", c.name,
			median(pc), median(mc), median(mc)/median(pc), median(pw), median(mw), median(mw)/median(pw))
	}
	fmt.Printf("resident after: %d kB\n", resident(daemon.Process.Pid))
	stdin.Close()
	return daemon.Wait()
}

// makePlain makes sparse files of the same names and sizes.
func makePlain(dir string) error {
	for k := range *folders {
		d := filepath.Join(dir, fmt.Sprintf("d%02d", k))
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
		for i := range *files {
			f, err := os.OpenFile(filepath.Join(d, name(i)), os.O_CREATE|os.O_WRONLY, 0o444)
			if err != nil {
				return err
			}
			err = f.Truncate(int64(i))
			f.Close()
			if err != nil {
				return err
			}
		}
	}
	return exec.Command("sync").Run()
}

type command struct {
	name string
	args []string // "DIR" stands for the folder
}

func commands() []command {
	return []command{
		{"ls", []string{"ls", "-R", "DIR"}},
		{"ls -l", []string{"ls", "-lR", "DIR"}},
		{"find", []string{"find", "DIR"}},
		{"find -size", []string{"find", "DIR", "-size", "+10k"}},
		{"du --apparent-size", []string{"du", "-s", "--apparent-size", "DIR"}},
		{"python scandir+stat", []string{"python3", "-c", "import os,sys\nfor r,d,f,fd in os.fwalk('DIR'):\n for e in os.scandir(r): e.stat()"}},
	}
}

func (c command) once(dir string) time.Duration {
	args := slices.Clone(c.args)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", dir)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	start := time.Now()
	if err := cmd.Run(); err != nil {
		log.Fatalf("%s: %v", c.name, err)
	}
	return time.Since(start)
}

func dropCaches() {
	check(exec.Command("sync").Run())
	check(os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0))
	// What the commands themselves need is not what is measured.
	exec.Command("sh", "-c", "ls / ; find /dev/null; du /dev/null; python3 -c 'import os'").Run()
}

func resident(pid int) (kB int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kB); err == nil {
			return kB
		}
	}
	return 0
}

// median returns milliseconds.
func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2].Microseconds()) / 1000
}
