package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/omnimedseg/omnimedfs/cmd/internal/cli"
)

// options are the values of the option table.
type options struct {
	Config     string
	Cache      string // absolute
	CacheLimit int64  // bytes on disk; 0 unbounded
	KeepRaw    bool
	Memory     int64 // bytes of decoded images at one time
	Mirror     []string
	Offline    bool
	AllowHTTP  bool
	Budget     int64 // bytes to download at most; 0 unbounded
	PerHost    int
	Timeout    time.Duration
	Recipes    []string // absolute
	Demo       bool
	Datasets   []string
	NIfTI      string // "nii.gz" or "nii"
	AllowOther bool
	Open       string // "enosys" or "keep"
	Xattr      bool
	ReadAhead  int64
	LogFormat  string
	LogLevel   string
	Background bool
	Progress   string
	JSON       bool
	Jobs       int
	Modality   []string
	License    []string
	Accept     []string
	BudgetDay  int64
	Status     []string
	Summary    bool
	Lazy       bool
	All        bool
	Tree       string
	Format     string
	Compress   bool
	Hash       int64
	Without    []string
	Listen     string
	Lock       string // absolute
	DenyComm   []string
	Metrics    string
	MountOpts  []string
}

// dataVerbs open the datasets, in their own process or through a mount.
var dataVerbs = []string{"mount", "ls", "info", "fetch", "why", "cache", "status", "recipe", "verify", "export", "serve", "lock", "cite", "doctor"}

// table is the one list of options: flags, variables, config keys, mount
// options and help all come from it.
func (o *options) table() *cli.Set {
	mount, ls, export := []string{"mount"}, []string{"ls"}, []string{"export"}
	work := []string{"fetch", "export", "lock"}
	asJSON := []string{"ls", "info", "fetch", "why", "cache", "status", "recipe", "verify", "doctor", "version"}
	return &cli.Set{Prog: "omnimedfs", Options: []cli.Option{
		{Name: "cache", Arg: "DIR", Help: "cache folder", Value: cli.Text(&o.Cache, defaultCache()), Verbs: dataVerbs},
		{Name: "cache-limit", Arg: "SIZE", Help: "most bytes of the cache folder; 0 is unbounded", Value: cli.Bytes(&o.CacheLimit, 50<<30), Verbs: dataVerbs},
		{Name: "keep-raw", Help: "keep fetched raw bytes in the cache folder too, as far as its limit has room for them", Value: cli.Switch(&o.KeepRaw, false), Verbs: dataVerbs},
		{Name: "memory", Arg: "SIZE", Help: "most bytes of images being converted at one time", Value: cli.Bytes(&o.Memory, 1<<30), Verbs: dataVerbs},
		{Name: "mirror", Arg: "PREFIX=URL", Help: "read URLs that start with PREFIX from another URL or folder; repeatable", Value: cli.List(&o.Mirror), Verbs: dataVerbs},
		{Name: "offline", Help: "serve what the cache holds, download nothing", Value: cli.Switch(&o.Offline, false), Verbs: dataVerbs},
		{Name: "allow-http", Help: "fetch over plain http and ftp too, which others can read and change", Value: cli.Switch(&o.AllowHTTP, false), Verbs: dataVerbs},
		{Name: "budget", Arg: "SIZE", Help: "most bytes to download before reads fail; 0 is unbounded", Value: cli.Bytes(&o.Budget, 0), Verbs: dataVerbs},
		{Name: "budget-day", Arg: "SIZE", Help: "most bytes to download in a day (UTC), over all mounts of the cache; 0 is unbounded", Value: cli.Bytes(&o.BudgetDay, 0), Verbs: dataVerbs},
		{Name: "per-host", Arg: "N", Help: "most requests to one host at one time", Value: cli.Count(&o.PerHost, 10, 1, 64), Verbs: dataVerbs},
		{Name: "timeout", Arg: "TIME", Help: "longest wait for a server's next byte", Value: cli.Duration(&o.Timeout, time.Minute), Verbs: dataVerbs},
		{Name: "recipes", Arg: "DIR", Help: "folder of more recipes; repeatable", Value: cli.List(&o.Recipes), Verbs: dataVerbs},
		{Name: "demo", Help: "only the two small datasets inside the program", Value: cli.Switch(&o.Demo, false), Verbs: dataVerbs},
		{Name: "datasets", Arg: "GLOB", Help: "only datasets whose id matches; repeatable", Value: cli.List(&o.Datasets), Verbs: dataVerbs},
		{Name: "license", Arg: "GLOBS", Help: "only datasets whose license matches, such as 'CC0-1.0,CC-BY-*'; repeatable", Value: cli.List(&o.License), Verbs: dataVerbs},
		{Name: "accept-license", Arg: "IDS", Help: "datasets whose platform's license you have read and accept; repeatable", Value: cli.List(&o.Accept), Verbs: dataVerbs},
		{Name: "lock", Arg: "FILE", Help: "show what a lock file names, and fail where anything differs from it", Value: cli.Text(&o.Lock, ""), Verbs: []string{"mount", "export", "serve", "verify"}},
		{Name: "nifti", Arg: "EXT", Help: "how volumes are listed: nii.gz or nii; both names answer", Value: cli.Choice(&o.NIfTI, "nii.gz", "nii.gz", "nii"), Verbs: dataVerbs},
		{Name: "allow-other", Help: "let other users read the mount", Value: cli.Switch(&o.AllowOther, false), Verbs: mount},
		{Name: "open", Arg: "HOW", Help: "enosys: no request for an open file; keep: one request, for kernels or sandboxes that need it", Value: cli.Choice(&o.Open, "enosys", "enosys", "keep"), Verbs: mount},
		{Name: "xattr", Help: "extended attributes user.omnimed.*; slows ls -l", Value: cli.Switch(&o.Xattr, false), Verbs: mount},
		{Name: "read-ahead", Arg: "SIZE", Help: "kernel read-ahead, where it may be set", Value: cli.Bytes(&o.ReadAhead, 1<<20), Verbs: mount},
		{Name: "background", Short: "b", Help: "return when the mount answers and keep serving", Value: cli.Switch(&o.Background, false), Verbs: mount},
		{Name: "option", Short: "o", Arg: "OPTS", Help: "the same options as mount(8) writes them: key=value,key", Value: cli.List(&o.MountOpts), Local: true, Verbs: mount},
		{Name: "deny-comm", Arg: "NAMES", Help: "programs that get nothing from the mount, by the name of their process: updatedb,tracker-miner-f; repeatable", Value: cli.List(&o.DenyComm), Verbs: mount},
		{Name: "metrics-addr", Arg: "HOST:PORT", Help: "serve counters to Prometheus there, at /metrics", Value: cli.Text(&o.Metrics, ""), Verbs: mount},
		{Name: "modality", Arg: "NAME", Help: "only this modality; repeatable", Value: cli.List(&o.Modality), Local: true, Verbs: ls},
		{Name: "status", Arg: "WORD", Help: "only verified, unverified, or raw: unverified ones whose layout is not known; repeatable", Value: cli.List(&o.Status), Local: true, Verbs: ls},
		{Name: "summary", Help: "count by modality, platform, license and status", Value: cli.Switch(&o.Summary, false), Local: true, Verbs: ls},
		{Name: "jobs", Short: "j", Arg: "N", Help: "files to convert at one time", Value: cli.Count(&o.Jobs, 4, 1, 64), Verbs: work},
		{Name: "progress", Arg: "HOW", Help: "auto (a bar on a terminal), bar or none", Value: cli.Choice(&o.Progress, "auto", "auto", "bar", "none"), Verbs: append(work, "verify")},
		{Name: "all", Help: "all datasets", Value: cli.Switch(&o.All, false), Local: true, Verbs: []string{"verify"}},
		{Name: "tree", Arg: "DIR", Help: "an exported tree, in place of the mount", Value: cli.Text(&o.Tree, ""), Local: true, Verbs: []string{"verify"}},
		{Name: "format", Arg: "NAME", Help: "plain (as in datasets/), nnunet, msd or bids", Value: cli.Choice(&o.Format, "plain", "plain", "nnunet", "msd", "bids"), Local: true, Verbs: export},
		{Name: "compress", Help: "deflate PNG and .nii.gz as ordinary files are", Value: cli.Switch(&o.Compress, false), Local: true, Verbs: export},
		{Name: "without", Arg: "NAME", Help: "folder of a dataset that is left out, such as raw or preview; repeatable", Value: cli.List(&o.Without), Local: true, Verbs: export},
		{Name: "hash", Arg: "SIZE", Help: "for record: read up to 20 files of up to this size whole, and compare their checksums; 0 reads none", Value: cli.Bytes(&o.Hash, 0), Local: true, Verbs: []string{"recipe"}},
		{Name: "listen", Arg: "HOST:PORT", Help: "where to serve", Value: cli.Text(&o.Listen, "127.0.0.1:8080"), Local: true, Verbs: []string{"serve"}},
		{Name: "lazy", Short: "l", Help: "detach now, even if files are in use", Value: cli.Switch(&o.Lazy, false), Local: true, Verbs: []string{"umount"}},
		{Name: "json", Help: "print JSON", Value: cli.Switch(&o.JSON, false), Local: true, Verbs: asJSON},
		{Name: "log-format", Arg: "FORMAT", Help: "text or json", Value: cli.Choice(&o.LogFormat, "text", "text", "json")},
		{Name: "log-level", Arg: "LEVEL", Help: "debug, info, warn or error", Value: cli.Choice(&o.LogLevel, "info", "debug", "info", "warn", "error")},
		{Name: "config", Arg: "FILE", Help: "config file (default ~/.config/omnimedfs/config.toml)", Value: cli.Text(&o.Config, ""), Local: true},
	}}
}

// defaultCache is below $XDG_CACHE_HOME or ~/.cache; without either, as when
// init mounts, it is the system's.
func defaultCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = "/var/cache"
	}
	return filepath.Join(dir, "omnimedfs")
}

// finish makes paths absolute, so that they hold in a background process whose
// folder is "/", and checks what single values cannot.
func (o *options) finish() error {
	if o.Cache == "" {
		return cli.Usage(errors.New("--cache: empty path"))
	}
	var err error
	if o.Cache, err = filepath.Abs(o.Cache); err != nil {
		return err
	}
	for i, dir := range o.Recipes {
		if o.Recipes[i], err = filepath.Abs(dir); err != nil {
			return err
		}
	}
	if o.Lock != "" {
		if o.Lock, err = filepath.Abs(o.Lock); err != nil {
			return err
		}
	}
	o.License, o.DenyComm, o.Accept = splitCommas(o.License), splitCommas(o.DenyComm), splitCommas(o.Accept)
	for i, m := range o.Mirror {
		prefix, to, ok := strings.Cut(m, "=")
		if !ok || prefix == "" || to == "" {
			return cli.Usage(fmt.Errorf("--mirror %q: PREFIX=URL or PREFIX=FOLDER is needed", m))
		}
		if !strings.Contains(to, "://") {
			if to, err = filepath.Abs(to); err != nil {
				return err
			}
			if strings.HasSuffix(m, "/") {
				to += "/" // a prefix that ends in a slash needs one on the other side
			}
		}
		o.Mirror[i] = prefix + "=" + to
	}
	return nil
}

// splitCommas takes the words of lists apart.
func splitCommas(lists []string) (out []string) {
	for _, list := range lists {
		for word := range strings.SplitSeq(list, ",") {
			if word = strings.TrimSpace(word); word != "" {
				out = append(out, word)
			}
		}
	}
	return out
}
