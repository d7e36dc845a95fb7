package main

import (
	"context"
	"errors"
	"time"

	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// errNotFound is wrapped by what the api returns for a dataset or path that is
// not in the catalog.
var errNotFound = errors.New("not found")

// api is what the verbs ask of the datasets. A mount answers it on a socket in
// its cache folder; without a mount the verbs open the cache themselves.
type api interface {
	Status(ctx context.Context) (*status, error)
	// List returns the datasets that match, sorted by ID. Cases of a dataset
	// that was never touched are -1.
	List(ctx context.Context, f filter) ([]dataset, error)
	// Info loads the listing of one dataset.
	Info(ctx context.Context, id string) (*datasetInfo, error)
	// Why returns the kept failures of a path of the tree and of what is below
	// it, the newest first; none where nothing failed.
	Why(ctx context.Context, path string) ([]failure, error)
	// Fetch brings files into the cache; emit is called from one goroutine at a
	// time. Files that fail are told through emit and do not stop the others.
	Fetch(ctx context.Context, req fetchRequest, emit func(fetchEvent)) error
	// Lock returns the checksums of what was converted: of the datasets of the
	// ids, which must be so whole, or of all.
	Lock(ctx context.Context, ids []string) (*lockFile, error)
	CacheStat(ctx context.Context) (*cacheStat, error)
	// CacheTrim shrinks the cache to at most limit bytes on disk.
	CacheTrim(ctx context.Context, limit int64) (*cacheStat, error)
	CacheClear(ctx context.Context) (*cacheStat, error)
}

// backend is the Data layer in this process.
type backend interface {
	api
	// Root is what a mount shows.
	Root() tree.Dir
	// Mounted tells the backend where it is mounted; counters reads the FUSE
	// requests so far, by name.
	Mounted(dir string, counters func() map[string]int64)
	// ReadFailed keeps the text of a failed read of a path of the tree.
	ReadFailed(path string, err error)
	Close() error
}

// traffic is what one dataset's platform has sent for one reason.
type traffic struct {
	Dataset  string `json:"dataset"`
	Platform string `json:"platform"`
	Host     string `json:"host"`
	Reason   string `json:"reason"`
	Requests int64  `json:"requests"`
	Bytes    int64  `json:"bytes"`
}

// status describes a mount; it is the text of .omnimedfs/status.json too.
type status struct {
	Version    string           `json:"version"`
	PID        int              `json:"pid"`
	Mountpoint string           `json:"mountpoint"` // "" where nothing is mounted
	Cache      string           `json:"cache"`
	Started    time.Time        `json:"started"`
	Datasets   int              `json:"datasets"`
	Offline    bool             `json:"offline"`
	Failures   int              `json:"failures"` // kept failures
	Downloaded int64            `json:"downloaded"`
	Spool      int64            `json:"spool"`              // bytes of archives that are unpacked on disk, beside the cache's limit
	Warnings   []string         `json:"warnings,omitempty"` // where a platform's licence is not the recipe's
	Traffic    []traffic        `json:"traffic,omitempty"`
	Requests   map[string]int64 `json:"fuse_requests,omitempty"`
}

// filter selects datasets; an empty field selects all. IDs are globs as
// path.Match reads them.
type filter struct {
	IDs      []string `json:"ids,omitempty"`
	Modality []string `json:"modality,omitempty"`
	License  []string `json:"license,omitempty"` // globs
	Status   []string `json:"status,omitempty"`  // see dataset.state
}

// dataset is one line of ls. -1 stands for what is not known yet.
type dataset struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Modality  string   `json:"modality"`
	Anatomy   string   `json:"anatomy,omitempty"`
	Dim       int      `json:"dim"`
	License   string   `json:"license"`
	Platform  string   `json:"platform"`
	Images    int      `json:"n_images,omitempty"` // as the authors state
	Status    string   `json:"status"`
	RawOnly   bool     `json:"raw_only,omitempty"` // the layout is not known: raw files and metadata only
	Synthetic bool     `json:"synthetic,omitempty"`
	Classes   []string `json:"classes"`
	Cases     int      `json:"cases"`
	Files     int      `json:"files"`  // images and labels
	Size      int64    `json:"size"`   // raw bytes at the source
	Cached    int      `json:"cached"` // of Files, those that the cache holds
}

// state is the status as people read it: verified, unverified, or "raw" where
// the layout is not known.
func (d *dataset) state() string {
	if d.RawOnly {
		return "raw"
	}
	return d.Status
}

// datasetInfo is all that info prints of one dataset.
type datasetInfo struct {
	dataset
	Record   string         `json:"record"`
	Sources  []sourceFile   `json:"sources"`
	Splits   map[string]int `json:"splits,omitempty"` // cases a split
	Missing  string         `json:"missing,omitempty"`
	Warnings []string       `json:"warnings,omitempty"` // where a platform's licence is not the recipe's
	Citation string         `json:"citation,omitempty"` // BibTeX
	Path     string         `json:"path"`               // below the mount
}

// sourceFile is one raw file at its platform.
type sourceFile struct {
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`
	Size int64  `json:"size"`
	Sum  string `json:"sum,omitempty"`
}

// failure is one read that failed; a line of .omnimedfs/errors.jsonl.
type failure struct {
	Time  time.Time `json:"time"`
	Path  string    `json:"path"`
	Errno string    `json:"errno"` // "EREMOTEIO"
	Error string    `json:"error"`
	Hint  string    `json:"hint,omitempty"`
}

// fetchRequest names what to fetch: dataset IDs, or paths of the tree.
type fetchRequest struct {
	Targets []string `json:"targets"`
	Jobs    int      `json:"jobs"`
}

// fetchEvent is one step of a fetch.
type fetchEvent struct {
	Done   int64    `json:"done"`  // files finished, failed ones among them
	Total  int64    `json:"total"` // files in all
	Bytes  int64    `json:"bytes"`
	Cached int64    `json:"cached"` // files that were there already
	Path   string   `json:"path,omitempty"`
	Failed *failure `json:"failed,omitempty"`
}

// cacheStat describes the cache folder.
type cacheStat struct {
	Folder      string `json:"folder"`
	Limit       int64  `json:"limit"`   // bytes; 0 unbounded
	Disk        int64  `json:"disk"`    // bytes of the folder
	Raw         int64  `json:"raw"`     // of Disk: fetched bytes, with --keep-raw
	Spool       int64  `json:"spool"`   // beside Disk: archives that are unpacked while mounted
	Payload     int64  `json:"payload"` // bytes before compression
	Entries     int64  `json:"entries"`
	Generations int    `json:"generations"`
	Damaged     int64  `json:"damaged"` // chunks whose checksum failed since the start
}
