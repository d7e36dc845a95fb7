// Package sources is the Download layer: the platforms that publish datasets,
// and one Client through which all their bytes come.
//
// A platform is one file that registers a Source in init. A Source only lists
// the files of a record; plain HTTP ranges then do the rest (package fetch),
// unless the Source is an Opener too. Package archive looks into archives and
// package raw joins a dataset's files into one namespace.
//
// What was tried against the real hosts: nothing yet, for no platform. zenodo,
// figshare, mendeley, s3, idc, huggingface, tcia, kaggle, grandchallenge,
// github, dataverse, osf, dryad, gdrive, ftp and omnimedfs follow their documented answers, which
// package sourcestest plays on loopback; http, ftp and s3 are tested against
// nginx, vsftpd and versitygw too. scripts/live.sh asks the real ones.
package sources

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/omnimedseg/omnimedfs/sources/blob"
	"github.com/omnimedseg/omnimedfs/sources/fetch"
)

// The errors that the Download layer tells apart. They arise in fetch and
// archive and are named here for those who only see this package.
var (
	ErrOffline     = fetch.ErrOffline     // no network, or asked to stay offline
	ErrGone        = fetch.ErrGone        // 404, 410, an HTML page in place of the file
	ErrRefused     = fetch.ErrRefused     // 401, 403: a token or an agreement is needed
	ErrRateLimited = fetch.ErrRateLimited // 429 after all attempts
	ErrBudget      = fetch.ErrBudget      // the download budget is spent
	ErrChecksum    = blob.ErrChecksum     // of a file or of an archive's member
	ErrTimeout     = fetch.ErrTimeout     // connect, header or stalled body; a deadline
	ErrChanged     = fetch.ErrChanged     // not the version that was seen first
	ErrServer      = fetch.ErrServer      // broken or contradictory answers after all attempts
)

// ErrPlatform is returned for a platform that nobody has registered.
var ErrPlatform = errors.New("unknown platform")

// File is one file of a record. Path is its name there, slash-separated and
// relative; URL is where its bytes are.
type File struct {
	blob.Info
	URL string
}

// Source is a platform.
type Source interface {
	// Files lists a record's files, sorted by Path, through the platform's
	// API. It reads no content.
	Files(ctx context.Context, record string) ([]File, error)
}

// Opener is implemented by a Source whose files plain HTTP ranges do not open.
type Opener interface {
	Open(ctx context.Context, f File) (blob.Blob, error)
}

var (
	registryMu sync.Mutex
	registry   = map[string]func(*Client) Source{}
)

// Register makes a platform known. It is called from init; a second
// registration of one name panics.
func Register(platform string, open func(*Client) Source) {
	registryMu.Lock()
	defer registryMu.Unlock()
	if _, ok := registry[platform]; ok {
		panic(fmt.Sprintf("sources: platform %q registered twice", platform))
	}
	registry[platform] = open
}

// Platforms returns the registered names, sorted.
func Platforms() []string {
	registryMu.Lock()
	defer registryMu.Unlock()
	return slices.Sorted(maps.Keys(registry))
}
